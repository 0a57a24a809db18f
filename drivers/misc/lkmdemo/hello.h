/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_HELLO_H
#define _LKMDEMO_HELLO_H

struct kernel_param_ops;

#define LKMDEMO_PERCENT_MAX	100

extern const struct kernel_param_ops lkmdemo_percent_ops;

#endif /* _LKMDEMO_HELLO_H */
