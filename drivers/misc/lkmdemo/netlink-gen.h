/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/lkmdemo.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _LINUX_LKMDEMO_GEN_H
#define _LINUX_LKMDEMO_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/lkmdemo_netlink.h>

int lkmdemo_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	LKMDEMO_NLGRP_MESSAGE,
};

extern struct genl_family lkmdemo_nl_family;

#endif /* _LINUX_LKMDEMO_GEN_H */
