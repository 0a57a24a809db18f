/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_H
#define _LKMDEMO_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>

#include "message.h"

struct dentry;

#define LKMDEMO_CAPACITY_MAX	(1024 * 1024)

/**
 * struct lkmdemo_device - the device
 * @misc: what makes it a file in /dev
 * @message: what it holds
 * @openers: the open file descriptions
 * @exclusive: an open is refused while there is an opener; a module parameter,
 *	which may change at any time
 * @debugfs: the directory that shows the state
 */
struct lkmdemo_device {
	struct miscdevice misc;
	struct lkmdemo_message message;
	atomic_t openers;
	bool exclusive;
	struct dentry *debugfs;
};

/**
 * struct lkmdemo_file - an open file description of the device
 * @dev: the device
 * @seen: the generation of the message that was last read here, or that the
 *	message had at the open
 */
struct lkmdemo_file {
	struct lkmdemo_device *dev;
	u64 seen;
};

extern const struct file_operations lkmdemo_fops;
extern const struct attribute_group *lkmdemo_groups[];

void lkmdemo_debugfs_add(struct lkmdemo_device *dev);
void lkmdemo_debugfs_remove(struct lkmdemo_device *dev);

#ifdef CONFIG_LKMDEMO_NETLINK
int lkmdemo_netlink_init(struct lkmdemo_message *msg);
void lkmdemo_netlink_exit(struct lkmdemo_message *msg);
#else
static inline int lkmdemo_netlink_init(struct lkmdemo_message *msg)
{
	return 0;
}

static inline void lkmdemo_netlink_exit(struct lkmdemo_message *msg)
{
}
#endif

#endif /* _LKMDEMO_H */
