// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/lkmdemo.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/lkmdemo_netlink.h>

/* Ops table for lkmdemo */
static const struct genl_split_ops lkmdemo_nl_ops[] = {
	{
		.cmd	= LKMDEMO_CMD_INFO_GET,
		.doit	= lkmdemo_nl_info_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group lkmdemo_nl_mcgrps[] = {
	[LKMDEMO_NLGRP_MESSAGE] = { "message", },
};

struct genl_family lkmdemo_nl_family __ro_after_init = {
	.name		= LKMDEMO_FAMILY_NAME,
	.version	= LKMDEMO_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= lkmdemo_nl_ops,
	.n_split_ops	= ARRAY_SIZE(lkmdemo_nl_ops),
	.mcgrps		= lkmdemo_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(lkmdemo_nl_mcgrps),
};
