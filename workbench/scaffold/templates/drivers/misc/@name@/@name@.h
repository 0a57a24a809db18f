/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _@NAME@_H
#define _@NAME@_H

#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/types.h>
@if poll
#include <linux/wait.h>
@end

#define @NAME@_CAPACITY	4096

/**
 * struct @name@_device - the state of the device
 * @misc: the device node
 * @lock: protects the members below
 * @data: buffer of @NAME@_CAPACITY bytes, zero from @length on
 * @length: number of bytes up to the end
 * @open: whether a process has the device open
@if poll
 * @changed: waiters for a change
@end
 */
struct @name@_device {
	struct miscdevice misc;
	struct mutex lock;	/* protects the members below */
	u8 *data;
	size_t length;
	bool open;
@if poll
	wait_queue_head_t changed;
@end
};

@if netlink
int @name@_netlink_init(struct @name@_device *dev);
void @name@_netlink_exit(void);
void @name@_netlink_notify(struct @name@_device *dev);

@end
#if IS_ENABLED(CONFIG_KUNIT)
extern const struct file_operations @name@_fops;
int @name@_device_init(struct @name@_device *dev, const char *name);
#endif

#endif /* _@NAME@_H */
