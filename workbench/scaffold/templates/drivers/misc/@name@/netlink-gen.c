@if netlink
// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/@dashed@.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/@name@_netlink.h>

/* Ops table for @name@ */
static const struct genl_split_ops @name@_nl_ops[] = {
	{
		.cmd	= @NAME@_CMD_GET,
		.doit	= @name@_nl_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group @name@_nl_mcgrps[] = {
	[@NAME@_NLGRP_CHANGES] = { "changes", },
};

struct genl_family @name@_nl_family __ro_after_init = {
	.name		= @NAME@_FAMILY_NAME,
	.version	= @NAME@_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= @name@_nl_ops,
	.n_split_ops	= ARRAY_SIZE(@name@_nl_ops),
	.mcgrps		= @name@_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(@name@_nl_mcgrps),
};
@end
