@if netlink
/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/@dashed@.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _LINUX_@NAME@_GEN_H
#define _LINUX_@NAME@_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/@name@_netlink.h>

int @name@_nl_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	@NAME@_NLGRP_CHANGES,
};

extern struct genl_family @name@_nl_family;

#endif /* _LINUX_@NAME@_GEN_H */
@end
