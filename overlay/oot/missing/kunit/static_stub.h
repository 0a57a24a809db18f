/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_COMPAT_STATIC_STUB_H
#define _LKMDEMO_COMPAT_STATIC_STUB_H

/* The KUnit suites are not built out of tree. */
#define KUNIT_STATIC_STUB_REDIRECT(function, ...)	do { } while (0)

#endif /* _LKMDEMO_COMPAT_STATIC_STUB_H */
