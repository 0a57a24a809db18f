@if netlink
/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/@dashed@.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _UAPI_LINUX_@NAME@_NETLINK_H
#define _UAPI_LINUX_@NAME@_NETLINK_H

#define @NAME@_FAMILY_NAME@family_gap@"@dashed@"
#define @NAME@_FAMILY_VERSION	1

enum {
	@NAME@_A_BUFFER_CAPACITY = 1,
	@NAME@_A_BUFFER_LENGTH,

	__@NAME@_A_BUFFER_MAX,
	@NAME@_A_BUFFER_MAX = (__@NAME@_A_BUFFER_MAX - 1)
};

enum {
	@NAME@_CMD_GET = 1,
	@NAME@_CMD_CHANGED,

	__@NAME@_CMD_MAX,
	@NAME@_CMD_MAX = (__@NAME@_CMD_MAX - 1)
};

#define @NAME@_MCGRP_CHANGES	"changes"

#endif /* _UAPI_LINUX_@NAME@_NETLINK_H */
@end
