// SPDX-License-Identifier: GPL-2.0-only
/*
 * The message: a byte array with a length and a generation.
 *
 * A read copies straight from the buffer, with page faults disabled. It faults in
 * pages that are not resident between two attempts, without a lock. A write copies
 * its bytes in before it takes the lock: it stores all of them or none.
 */
#include <linux/cacheflush.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#include "lkmdemo.h"

/* Writes of up to this many bytes are staged on the stack. */
#define LKMDEMO_SMALL_WRITE	64

/* A copy gives up after this many attempts without progress. */
#define LKMDEMO_COPY_ATTEMPTS	3

/**
 * lkmdemo_message_init() - initialise a message
 * @msg: the message
 * @capacity: size limit, at least 1
 * @bytes: the first message
 * @count: its size, at most @capacity
 *
 * Return: 0 or -ENOMEM.
 */
int lkmdemo_message_init(struct lkmdemo_message *msg, size_t capacity, const void *bytes,
			 size_t count)
{
	msg->data = vmalloc_user(capacity);
	if (!msg->data)
		return -ENOMEM;

	memcpy(msg->data, bytes, count);
	seqlock_init(&msg->lock);
	init_waitqueue_head(&msg->changed);
	msg->capacity = capacity;
	msg->length = count;
	msg->generation = 1;

	return 0;
}

/*
 * Fault in the next @count bytes of @iter, or as many as possible. With IOCB_NOWAIT,
 * fault in one page, unless that has to wait for I/O or for a userfaultfd handler.
 */
VISIBLE_IF_KUNIT int lkmdemo_fault_in(const struct iov_iter *iter, size_t count, int flags)
{
	long ret;

	KUNIT_STATIC_STUB_REDIRECT(lkmdemo_fault_in, iter, count, flags);

	if (!(flags & IOCB_NOWAIT))
		return fault_in_iov_iter_writeable(iter, count) < count ? 0 : -EFAULT;
	if (!user_backed_iter(iter))
		return -EFAULT;

	ret = get_user_pages_unlocked((unsigned long)iter_iov_addr(iter), 1, NULL, FOLL_NOWAIT |
				      (iov_iter_rw(iter) == ITER_DEST ? FOLL_WRITE : 0));

	return ret > 0 ? 0 : ret ?: -EAGAIN;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_fault_in);

VISIBLE_IF_KUNIT size_t lkmdemo_message_copy(struct lkmdemo_message *msg, loff_t pos,
					     size_t count, struct iov_iter *to)
{
	size_t copied;

	KUNIT_STATIC_STUB_REDIRECT(lkmdemo_message_copy, msg, pos, count, to);

	pagefault_disable();
	copied = copy_to_iter(msg->data + pos, count, to);
	pagefault_enable();

	return copied;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_copy);

/* For use in a read section of the lock. */
VISIBLE_IF_KUNIT void lkmdemo_message_get(struct lkmdemo_message *msg, struct lkmdemo_info *info)
{
	KUNIT_STATIC_STUB_REDIRECT(lkmdemo_message_get, msg, info);

	info->capacity = msg->capacity;
	info->length = READ_ONCE(msg->length);
	info->generation = msg->generation;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_get);

/**
 * lkmdemo_message_info() - take a snapshot of capacity, length and generation
 * @msg: the message
 * @info: the snapshot
 */
void lkmdemo_message_info(struct lkmdemo_message *msg, struct lkmdemo_info *info)
{
	scoped_seqlock_read(&msg->lock, ss_lock)
		lkmdemo_message_get(msg, info);
}

/* Copy bytes at @pos. Return their number, and in @count what that has to be. */
static __always_inline size_t
lkmdemo_message_try_read(struct lkmdemo_message *msg, loff_t pos, struct iov_iter *to,
			 struct lkmdemo_info *info, size_t *count)
{
	lkmdemo_message_get(msg, info);
	*count = pos < info->length ? min_t(size_t, info->length - pos, iov_iter_count(to)) : 0;

	return lkmdemo_message_copy(msg, pos, *count, to);
}

/* noinline keeps the loop out of the stack frame of the first attempt. */
static noinline ssize_t
lkmdemo_message_read_again(struct lkmdemo_message *msg, struct kiocb *iocb, struct iov_iter *to,
			   struct lkmdemo_info *info, size_t copied)
{
	size_t count, before;
	int attempts = 0, ret;

	do {
		before = copied;
		iov_iter_revert(to, copied);
		read_seqlock_excl(&msg->lock);
		copied = lkmdemo_message_try_read(msg, iocb->ki_pos, to, info, &count);
		read_sequnlock_excl(&msg->lock);
		if (copied == count)
			break;

		attempts = copied > before ? 0 : attempts + 1;
		ret = lkmdemo_fault_in(to, count - copied, iocb->ki_flags);
	} while (!ret && attempts < LKMDEMO_COPY_ATTEMPTS);

	if (count && !copied)
		return ret ?: -EFAULT;
	iocb->ki_pos += copied;

	return copied;
}

/**
 * lkmdemo_message_read() - read bytes of one generation
 * @msg: the message
 * @iocb: position, which advances by the result, and flags
 * @to: destination
 * @info: the message that the bytes belong to
 *
 * Context: Process context. May sleep to fault in @to, but not with IOCB_NOWAIT.
 * Return: The number of bytes: 0 at the end of the message, a short count if @to
 * ends in a fault. -EFAULT if @to starts with one, -EAGAIN if IOCB_NOWAIT is set
 * and no byte can be copied without waiting.
 */
ssize_t lkmdemo_message_read(struct lkmdemo_message *msg, struct kiocb *iocb,
			     struct iov_iter *to, struct lkmdemo_info *info)
{
	size_t count, copied;
	unsigned int seq;

	KUNIT_STATIC_STUB_REDIRECT(lkmdemo_message_read, msg, iocb, to, info);

	seq = read_seqbegin(&msg->lock);
	copied = lkmdemo_message_try_read(msg, iocb->ki_pos, to, info, &count);
	if (unlikely(read_seqretry(&msg->lock, seq) || copied != count))
		return lkmdemo_message_read_again(msg, iocb, to, info, copied);
	iocb->ki_pos += copied;

	return copied;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_read);

VISIBLE_IF_KUNIT void lkmdemo_message_flush_page(void *page)
{
	KUNIT_STATIC_STUB_REDIRECT(lkmdemo_message_flush_page, page);

	if (ARCH_IMPLEMENTS_FLUSH_DCACHE_PAGE)
		flush_dcache_page(vmalloc_to_page(page));
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_flush_page);

/* Make a change visible to mappings where data caches alias. */
static void lkmdemo_message_flush(struct lkmdemo_message *msg, size_t start, size_t count)
{
	size_t page;

	for (page = PAGE_ALIGN_DOWN(start); page < start + count; page += PAGE_SIZE)
		lkmdemo_message_flush_page(msg->data + page);
}

/* Store @count bytes, or zeros if @bytes is NULL. */
VISIBLE_IF_KUNIT void lkmdemo_message_fill(struct lkmdemo_message *msg, size_t start,
					   const void *bytes, size_t count)
{
	KUNIT_STATIC_STUB_REDIRECT(lkmdemo_message_fill, msg, start, bytes, count);

	lockdep_assert_held(&msg->lock.lock);
	if (bytes)
		memcpy(msg->data + start, bytes, count);
	else
		memset(msg->data + start, 0, count);
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_fill);

/* Make a change under the lock, release that, and announce the change. */
static __always_inline void lkmdemo_message_change(struct lkmdemo_message *msg, size_t start,
						   const void *bytes, size_t count, size_t length)
{
	u64 generation;

	lkmdemo_message_fill(msg, start, bytes, count);
	WRITE_ONCE(msg->length, length);
	generation = ++msg->generation;
	write_sequnlock(&msg->lock);

	lkmdemo_message_flush(msg, start, count);
	/* No key: io_uring ignores a wake-up for EPOLLPRI alone. */
	if (wq_has_sleeper(&msg->changed))
		wake_up_interruptible(&msg->changed);
	if (msg->notify)
		msg->notify(length, generation);
}

static ssize_t lkmdemo_message_store(struct lkmdemo_message *msg, struct kiocb *iocb,
				     const void *bytes, size_t count)
{
	loff_t start = iocb->ki_pos;

	write_seqlock(&msg->lock);
	if (iocb->ki_flags & IOCB_APPEND)
		start = msg->length;
	if (unlikely(start > msg->capacity - count)) {
		write_sequnlock(&msg->lock);
		return -ENOSPC;
	}
	lkmdemo_message_change(msg, start, bytes, count, max_t(size_t, msg->length, start + count));
	iocb->ki_pos = start + count;

	return count;
}

/* Return 0 with @bytes filled, or an error with @from unchanged. */
static int lkmdemo_message_copy_in(u8 *bytes, size_t count, struct iov_iter *from, int flags)
{
	size_t part, copied = 0;
	int attempts = 0, ret;

	if (likely(!(flags & IOCB_NOWAIT)))
		return copy_from_iter_full(bytes, count, from) ? 0 : -EFAULT;

	do {
		pagefault_disable();
		part = copy_from_iter(bytes + copied, count - copied, from);
		pagefault_enable();
		copied += part;
		if (copied == count)
			return 0;

		attempts = part ? 0 : attempts + 1;
		ret = lkmdemo_fault_in(from, count - copied, flags);
	} while (!ret && attempts < LKMDEMO_COPY_ATTEMPTS);
	iov_iter_revert(from, copied);

	return ret ?: -EFAULT;
}

VISIBLE_IF_KUNIT void *lkmdemo_message_buffer(size_t count, gfp_t gfp)
{
	KUNIT_STATIC_STUB_REDIRECT(lkmdemo_message_buffer, count, gfp);

	return kvmalloc(count, gfp);
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_buffer);

/**
 * lkmdemo_message_write() - write all bytes or none
 * @msg: the message
 * @iocb: position, which is set to the end of the bytes, and flags. IOCB_APPEND
 *	takes the position from the length.
 * @from: source, not empty
 *
 * A gap between the length and the position reads as zeros.
 *
 * Context: Process context. May sleep to allocate memory and to fault in @from,
 * but not with IOCB_NOWAIT.
 * Return: The size of @from. -EINVAL if that exceeds the capacity, -ENOSPC if the
 * bytes do not fit at the position, -EFAULT if @from has a fault, -ENOMEM, -EAGAIN
 * if IOCB_NOWAIT is set and the write requires to wait.
 */
ssize_t lkmdemo_message_write(struct lkmdemo_message *msg, struct kiocb *iocb,
			      struct iov_iter *from)
{
	bool nowait = iocb->ki_flags & IOCB_NOWAIT;
	u8 small[LKMDEMO_SMALL_WRITE] __uninitialized;
	size_t count = iov_iter_count(from);
	u8 *bytes = small;
	ssize_t ret;

	if (count > msg->capacity)
		return -EINVAL;
	if (count > sizeof(small)) {
		bytes = lkmdemo_message_buffer(count, nowait ? GFP_NOWAIT : GFP_KERNEL_ACCOUNT);
		if (!bytes)
			return nowait ? -EAGAIN : -ENOMEM;
	}

	ret = lkmdemo_message_copy_in(bytes, count, from, iocb->ki_flags);
	if (!ret)
		ret = lkmdemo_message_store(msg, iocb, bytes, count);
	if (bytes != small)
		kvfree(bytes);

	return ret;
}

/**
 * lkmdemo_message_clear() - empty a message
 * @msg: the message; does not change if it is empty
 */
void lkmdemo_message_clear(struct lkmdemo_message *msg)
{
	write_seqlock(&msg->lock);
	if (msg->length)
		lkmdemo_message_change(msg, 0, NULL, msg->length, 0);
	else
		write_sequnlock(&msg->lock);
}
