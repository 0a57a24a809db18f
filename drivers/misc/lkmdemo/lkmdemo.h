/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_H
#define _LKMDEMO_H

#include <linux/device.h>
#include <linux/lkmdemo.h>
#include <linux/miscdevice.h>
#include <linux/seqlock.h>
#include <linux/wait.h>
#include <uapi/linux/lkmdemo.h>

struct iov_iter;
struct kiocb;

/* Bounds the copies that run with preemption disabled. */
#define LKMDEMO_CAPACITY_MAX	65536

/**
 * struct lkmdemo_message - a byte array with a length and a generation
 * @lock: protects @length, @generation and the bytes of @data. Readers take it
 *	only after a first attempt failed. Innermost lock: its holder neither sleeps
 *	nor waits for user memory.
 * @data: buffer of whole pages, zero from @length on
 * @capacity: size limit of the message, constant
 * @length: size of the message
 * @generation: number of the last change, 1 for the first message
 * @changed: waiters for the next change
 * @notify: called after each change, possibly concurrently; may be NULL
 */
struct lkmdemo_message {
	seqlock_t lock;
	u8 *data;
	size_t capacity;
	size_t length;
	u64 generation;
	wait_queue_head_t changed;
	void (*notify)(size_t length, u64 generation);
};

struct lkmdemo_device {
	struct miscdevice misc;
	struct lkmdemo_message message;
	atomic_t openers;	/* open file descriptions */
	bool exclusive;		/* module parameter, may change at any time */
	struct dentry *debugfs;
};

extern struct lkmdemo_device lkmdemo;
extern const struct file_operations lkmdemo_fops;
extern const struct attribute_group *lkmdemo_groups[];

int lkmdemo_device_init(struct lkmdemo_device *dev, const char *name, size_t capacity,
			const void *bytes, size_t count);
void lkmdemo_sysfs_init(void);
void lkmdemo_debugfs_add(struct lkmdemo_device *dev);
int lkmdemo_netlink_init(void);
void lkmdemo_netlink_exit(void);

int lkmdemo_message_init(struct lkmdemo_message *msg, size_t capacity, const void *bytes,
			 size_t count);
ssize_t lkmdemo_message_read(struct lkmdemo_message *msg, struct kiocb *iocb,
			     struct iov_iter *to, struct lkmdemo_info *info);
ssize_t lkmdemo_message_write(struct lkmdemo_message *msg, struct kiocb *iocb,
			      struct iov_iter *from);
void lkmdemo_message_clear(struct lkmdemo_message *msg);
void lkmdemo_message_info(struct lkmdemo_message *msg, struct lkmdemo_info *info);

#if IS_ENABLED(CONFIG_KUNIT)
bool lkmdemo_is_exclusive(struct lkmdemo_device *dev);
int lkmdemo_fault_in(const struct iov_iter *iter, size_t count, int flags);
size_t lkmdemo_message_copy(struct lkmdemo_message *msg, loff_t pos, size_t count,
			    struct iov_iter *to);
void lkmdemo_message_fill(struct lkmdemo_message *msg, size_t start, const void *bytes,
			  size_t count);
void lkmdemo_message_flush_page(void *page);
void lkmdemo_message_get(struct lkmdemo_message *msg, struct lkmdemo_info *info);
void *lkmdemo_message_buffer(size_t count, gfp_t gfp);
#endif

#endif /* _LKMDEMO_H */
