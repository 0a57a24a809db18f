/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ioctls of /dev/lkmdemo.
 */
#ifndef _UAPI_LINUX_LKMDEMO_H
#define _UAPI_LINUX_LKMDEMO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define LKMDEMO_IOC_MAGIC	0xED

/**
 * struct lkmdemo_info - the message at one moment
 * @capacity: the most bytes that it can have
 * @length: the bytes that it has
 * @generation: the number of its last change; that of the first message is 1
 */
struct lkmdemo_info {
	__u32 capacity;
	__u32 length;
	__u64 generation;
};

/* Tell about the message. */
#define LKMDEMO_IOC_GET_INFO	_IOR(LKMDEMO_IOC_MAGIC, 0x00, struct lkmdemo_info)

/* Empty the message; needs write access. */
#define LKMDEMO_IOC_CLEAR	_IO(LKMDEMO_IOC_MAGIC, 0x01)

#endif /* _UAPI_LINUX_LKMDEMO_H */
