/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ioctls of /dev/lkmdemo.
 */
#ifndef _UAPI_LINUX_LKMDEMO_H
#define _UAPI_LINUX_LKMDEMO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define LKMDEMO_IOC_MAGIC	0xED

/**
 * struct lkmdemo_info - snapshot of the message
 * @capacity: size limit of the message in bytes
 * @length: size of the message in bytes
 * @generation: number of the last change, 1 for the first message
 */
struct lkmdemo_info {
	__u32 capacity;
	__u32 length;
	__u64 generation;
};

/* Get a snapshot of the message. */
#define LKMDEMO_IOC_GET_INFO	_IOR(LKMDEMO_IOC_MAGIC, 0x00, struct lkmdemo_info)

/* Empty the message. Requires write access. */
#define LKMDEMO_IOC_CLEAR	_IO(LKMDEMO_IOC_MAGIC, 0x01)

#endif /* _UAPI_LINUX_LKMDEMO_H */
