/* SPDX-License-Identifier: GPL-2.0-only */
#include_next <net/genetlink.h>

#ifndef _LKMDEMO_COMPAT_GENETLINK_H
#define _LKMDEMO_COMPAT_GENETLINK_H

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)

#define genl_split_ops		genl_small_ops
#define split_ops		small_ops
#define n_split_ops		n_small_ops

/* A family whose .bind is called once, at its registration. */
struct lkmdemo_genl_family {
	struct genl_family;
	int (*bind)(int group);
};

#define genl_family		lkmdemo_genl_family
#define genl_register_family(family)	((family)->bind(0) ?: genl_register_family(family))

#endif

#endif /* _LKMDEMO_COMPAT_GENETLINK_H */
