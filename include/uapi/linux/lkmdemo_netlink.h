/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/lkmdemo.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _UAPI_LINUX_LKMDEMO_NETLINK_H
#define _UAPI_LINUX_LKMDEMO_NETLINK_H

#define LKMDEMO_FAMILY_NAME	"lkmdemo"
#define LKMDEMO_FAMILY_VERSION	1

enum {
	LKMDEMO_A_MESSAGE_CAPACITY = 1,
	LKMDEMO_A_MESSAGE_LENGTH,
	LKMDEMO_A_MESSAGE_GENERATION,

	__LKMDEMO_A_MESSAGE_MAX,
	LKMDEMO_A_MESSAGE_MAX = (__LKMDEMO_A_MESSAGE_MAX - 1)
};

enum {
	LKMDEMO_CMD_INFO_GET = 1,
	LKMDEMO_CMD_MESSAGE_CHANGED,

	__LKMDEMO_CMD_MAX,
	LKMDEMO_CMD_MAX = (__LKMDEMO_CMD_MAX - 1)
};

#define LKMDEMO_MCGRP_MESSAGE	"message"

#endif /* _UAPI_LINUX_LKMDEMO_NETLINK_H */
