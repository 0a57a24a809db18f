/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_MESSAGE_H
#define _LKMDEMO_MESSAGE_H

#include <linux/seqlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <uapi/linux/lkmdemo.h>

struct iov_iter;
struct page;

/**
 * struct lkmdemo_message - a message in a buffer of fixed capacity
 * @lock: serialises the changes of @length, @generation and the bytes in @data;
 *	readers notice a change and start again. Innermost: nothing is locked,
 *	allocated or faulted in while it is held.
 * @data: whole pages, so that they can be mapped; all bytes from @length on
 *	are zero
 * @capacity: the most bytes that the message can have; never changes
 * @length: the bytes that it has, at most @capacity
 * @generation: goes up by one with every change
 * @changed: who waits for a change
 * @notify: told the length and the generation after every change, with no lock
 *	held, so that two changes at the same time may be told in either order;
 *	may be NULL
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

int lkmdemo_message_init(struct lkmdemo_message *msg, size_t capacity);
void lkmdemo_message_destroy(struct lkmdemo_message *msg);

ssize_t lkmdemo_message_read(struct lkmdemo_message *msg, loff_t *pos,
			     struct iov_iter *to, int flags, u64 *generation);
ssize_t lkmdemo_message_read_user(struct lkmdemo_message *msg, loff_t *pos,
				  char __user *buf, size_t count,
				  u64 *generation);
ssize_t lkmdemo_message_write(struct lkmdemo_message *msg, loff_t *pos,
			      struct iov_iter *from, int flags);
ssize_t lkmdemo_message_write_user(struct lkmdemo_message *msg, loff_t *pos,
				   const char __user *buf, size_t count,
				   int flags);
void lkmdemo_message_clear(struct lkmdemo_message *msg);

void lkmdemo_message_info(struct lkmdemo_message *msg,
			  struct lkmdemo_info *info);
struct page *lkmdemo_message_page(struct lkmdemo_message *msg,
				  unsigned long index);

#endif /* _LKMDEMO_MESSAGE_H */
