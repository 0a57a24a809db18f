@if ioctl
/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ioctls of /dev/@name@.
 */
#ifndef _UAPI_LINUX_@NAME@_H
#define _UAPI_LINUX_@NAME@_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct @name@_info - sizes of the buffer
 * @capacity: size limit of the content in bytes
 * @length: size of the content in bytes
 */
struct @name@_info {
	__u32 capacity;
	__u32 length;
};

/* Get the sizes of the buffer. */
#define @NAME@_IOC_GET_INFO	_IOR(@magic@, 0x00, struct @name@_info)

/* Empty the buffer. Requires write access. */
#define @NAME@_IOC_CLEAR	_IO(@magic@, 0x01)

#endif /* _UAPI_LINUX_@NAME@_H */
@end
