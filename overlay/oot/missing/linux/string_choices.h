/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_COMPAT_STRING_CHOICES_H
#define _LKMDEMO_COMPAT_STRING_CHOICES_H

#define str_yes_no(value)	((value) ? "yes" : "no")

#endif /* _LKMDEMO_COMPAT_STRING_CHOICES_H */
