// SPDX-License-Identifier: GPL-2.0-only
/*
 * The message: offsets, bounds, and who sees which bytes when.
 *
 * User memory may take for ever to arrive, so it is only touched with no lock
 * held, or with page faults disabled. Writes gather their bytes beforehand,
 * which is also what makes them all or nothing. Reads copy straight out of the
 * message, without a lock; when the message changed meanwhile, or a page of the
 * reader's is absent, they take a copy of it under the lock and hand that out.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <kunit/visibility.h>

#include "message.h"

/* Writes of up to this many bytes are gathered on the stack. */
#define LKMDEMO_SMALL_WRITE	64

/**
 * lkmdemo_message_init() - make an empty message
 * @msg: what to initialise
 * @capacity: the most bytes it can have, at least 1
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ENOMEM.
 */
int lkmdemo_message_init(struct lkmdemo_message *msg, size_t capacity)
{
	msg->data = vmalloc_user(capacity);
	if (!msg->data)
		return -ENOMEM;

	seqlock_init(&msg->lock);
	init_waitqueue_head(&msg->changed);
	msg->capacity = capacity;
	msg->length = 0;
	msg->generation = 0;
	msg->notify = NULL;

	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_init);

/**
 * lkmdemo_message_destroy() - give the buffer back
 * @msg: a message that nobody uses any more
 *
 * Context: Process context, may sleep.
 */
void lkmdemo_message_destroy(struct lkmdemo_message *msg)
{
	vfree(msg->data);
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_destroy);

/* How many of the count bytes from pos on lie before end. */
static size_t message_clamp(loff_t pos, size_t count, size_t end)
{
	return pos < end ? min_t(size_t, count, end - pos) : 0;
}

static gfp_t message_gfp(int flags)
{
	return flags & IOCB_NOWAIT ? GFP_NOWAIT : GFP_KERNEL_ACCOUNT;
}

static ssize_t message_read_copy(struct lkmdemo_message *msg, loff_t pos,
				 struct iov_iter *to, int flags,
				 u64 *generation)
{
	size_t count, copied;
	u8 *copy;

	count = message_clamp(pos, iov_iter_count(to), msg->capacity);
	copy = kvmalloc(count, message_gfp(flags));
	if (!copy)
		return flags & IOCB_NOWAIT ? -EAGAIN : -ENOMEM;

	read_seqlock_excl(&msg->lock);
	*generation = msg->generation;
	count = message_clamp(pos, count, msg->length);
	memcpy(copy, msg->data + pos, count);
	read_sequnlock_excl(&msg->lock);

	copied = copy_to_iter(copy, count, to);
	kvfree(copy);

	return count && !copied ? -EFAULT : copied;
}

/*
 * Copies to @to, or to @buf where there is no @to, which is the same but quicker.
 * Gives up with -EAGAIN, and nothing taken, on a change or an absent page.
 */
static __always_inline ssize_t
message_read_direct(struct lkmdemo_message *msg, loff_t pos, size_t count,
		    struct iov_iter *to, char __user *buf, u64 *generation)
{
	unsigned int seq;
	size_t copied;
	u8 *data;

	seq = read_seqbegin(&msg->lock);
	*generation = msg->generation;
	count = message_clamp(pos, count, READ_ONCE(msg->length));
	data = msg->data + pos;
	pagefault_disable();
	copied = to ? copy_to_iter(data, count, to) :
		      count - __copy_to_user_inatomic(buf, data, count);
	pagefault_enable();

	if (likely(!read_seqretry(&msg->lock, seq) && copied == count))
		return copied;
	if (to)
		iov_iter_revert(to, copied);

	return -EAGAIN;
}

/**
 * lkmdemo_message_read() - read from an offset
 * @msg: the message
 * @pos: where to start, not negative; goes up by the bytes read
 * @to: where the bytes go; it takes at most as many as it has room for
 * @flags: IOCB_NOWAIT is heeded
 * @generation: on success, of which generation the bytes are
 *
 * The bytes are those of one generation, whatever is written meanwhile.
 *
 * Context: Process context. May sleep to allocate, unless IOCB_NOWAIT is set,
 * and to fault in the memory of @to, with no lock held.
 * Return: The bytes read, less than there are when memory of @to faults on the
 * way, 0 at and past the end. -EFAULT when no byte could be copied, -ENOMEM or
 * (for IOCB_NOWAIT) -EAGAIN without memory for a copy.
 */
ssize_t lkmdemo_message_read(struct lkmdemo_message *msg, loff_t *pos,
			     struct iov_iter *to, int flags, u64 *generation)
{
	ssize_t ret;

	ret = message_read_direct(msg, *pos, iov_iter_count(to), to, NULL,
				  generation);
	if (ret == -EAGAIN)
		ret = message_read_copy(msg, *pos, to, flags, generation);
	if (ret > 0)
		*pos += ret;

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_read);

/* Apart, so that the quick way need not even clear the iterator's place. */
static noinline ssize_t message_read_late(struct lkmdemo_message *msg,
					  loff_t *pos, char __user *buf,
					  size_t count, u64 *generation)
{
	struct iov_iter to;

	iov_iter_ubuf(&to, ITER_DEST, buf, count);

	return lkmdemo_message_read(msg, pos, &to, 0, generation);
}

/**
 * lkmdemo_message_read_user() - read from an offset into one user buffer
 * @msg: the message
 * @pos: where to start, not negative; goes up by the bytes read
 * @buf: where the bytes go, checked with access_ok()
 * @count: how many there is room for
 * @generation: on success, of which generation the bytes are
 *
 * Context: As lkmdemo_message_read() without flags.
 * Return: As lkmdemo_message_read() without flags.
 */
ssize_t lkmdemo_message_read_user(struct lkmdemo_message *msg, loff_t *pos,
				  char __user *buf, size_t count,
				  u64 *generation)
{
	ssize_t ret;

	ret = message_read_direct(msg, *pos, count, NULL, buf, generation);
	if (unlikely(ret < 0))
		return message_read_late(msg, pos, buf, count, generation);
	*pos += ret;

	return ret;
}

static void message_tell(struct lkmdemo_message *msg, size_t length,
			 u64 generation)
{
	/* Without a key: io_uring passes over one that is EPOLLPRI alone. */
	if (wq_has_sleeper(&msg->changed))
		wake_up_interruptible(&msg->changed);
	if (msg->notify)
		msg->notify(length, generation);
}

static __always_inline ssize_t
message_store(struct lkmdemo_message *msg, loff_t *pos, const u8 *bytes,
	      size_t count, int flags)
{
	loff_t start = *pos;
	u64 generation;
	size_t length;
	ssize_t ret;

	write_seqlock(&msg->lock);

	if (unlikely(flags & IOCB_APPEND))
		start = msg->length;
	ret = -ENOSPC;
	if (unlikely(start > msg->capacity || count > msg->capacity - start))
		goto unlock;
	ret = 0;
	if (unlikely(!count))
		goto unlock;

	memcpy(msg->data + start, bytes, count);
	length = max_t(size_t, msg->length, start + count);
	WRITE_ONCE(msg->length, length);
	generation = ++msg->generation;

	write_sequnlock(&msg->lock);

	*pos = start + count;
	message_tell(msg, length, generation);

	return count;

unlock:
	write_sequnlock(&msg->lock);

	return ret;
}

/**
 * lkmdemo_message_write() - write at an offset, all bytes or none
 * @msg: the message
 * @pos: where to start, not negative; goes to the end of what was written
 * @from: the bytes, all of which are taken
 * @flags: IOCB_APPEND writes at the end of the message instead; IOCB_NOWAIT is
 *	heeded
 *
 * On an error the message and @pos are what they were. A gap between the end of
 * the message and @pos reads as zeros. A write of no bytes changes nothing.
 *
 * Context: Process context. May sleep to allocate, unless IOCB_NOWAIT is set,
 * and to fault in the memory of @from, with no lock held.
 * Return: The bytes written, all that @from had. -EINVAL when there are more
 * than fit into any message, -ENOSPC when they do not fit at the offset,
 * -EFAULT when any of them can't be read, -ENOMEM or (for IOCB_NOWAIT) -EAGAIN
 * without memory to gather them.
 */
ssize_t lkmdemo_message_write(struct lkmdemo_message *msg, loff_t *pos,
			      struct iov_iter *from, int flags)
{
	size_t count = iov_iter_count(from);
	ssize_t ret = -EFAULT;
	u8 *bytes;

	if (count > msg->capacity)
		return -EINVAL;

	bytes = kvmalloc(count, message_gfp(flags));
	if (!bytes)
		return flags & IOCB_NOWAIT ? -EAGAIN : -ENOMEM;

	if (copy_from_iter_full(bytes, count, from))
		ret = message_store(msg, pos, bytes, count, flags);
	kvfree(bytes);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_write);

static noinline ssize_t message_write_large(struct lkmdemo_message *msg,
					    loff_t *pos,
					    const char __user *buf,
					    size_t count, int flags)
{
	struct iov_iter from;

	iov_iter_ubuf(&from, ITER_SOURCE, (void __user *)buf, count);

	return lkmdemo_message_write(msg, pos, &from, flags);
}

static noinline_for_stack ssize_t
message_write_small(struct lkmdemo_message *msg, loff_t *pos,
		    const char __user *buf, size_t count, int flags)
{
	u8 small[LKMDEMO_SMALL_WRITE] __uninitialized;

	if (__copy_from_user(small, buf, count))
		return -EFAULT;

	return message_store(msg, pos, small, count, flags);
}

/**
 * lkmdemo_message_write_user() - write the bytes of one user buffer
 * @msg: the message
 * @pos: where to start, not negative; goes to the end of what was written
 * @buf: the bytes, checked with access_ok()
 * @count: how many there are, all of which are taken
 * @flags: as for lkmdemo_message_write()
 *
 * Context: As lkmdemo_message_write().
 * Return: As lkmdemo_message_write().
 */
ssize_t lkmdemo_message_write_user(struct lkmdemo_message *msg, loff_t *pos,
				   const char __user *buf, size_t count,
				   int flags)
{
	if (count > LKMDEMO_SMALL_WRITE || count > msg->capacity)
		return message_write_large(msg, pos, buf, count, flags);

	return message_write_small(msg, pos, buf, count, flags);
}

/**
 * lkmdemo_message_clear() - empty the message
 * @msg: the message; nothing changes when it is empty already
 *
 * Context: Process context.
 */
void lkmdemo_message_clear(struct lkmdemo_message *msg)
{
	u64 generation = 0;
	bool change;

	write_seqlock(&msg->lock);

	change = msg->length;
	if (change) {
		memset(msg->data, 0, msg->length);
		WRITE_ONCE(msg->length, 0);
		generation = ++msg->generation;
	}

	write_sequnlock(&msg->lock);

	if (change)
		message_tell(msg, 0, generation);
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_clear);

/**
 * lkmdemo_message_info() - capacity, length and generation at one moment
 * @msg: the message
 * @info: where they go
 *
 * Context: Any but with the message locked.
 */
void lkmdemo_message_info(struct lkmdemo_message *msg,
			  struct lkmdemo_info *info)
{
	unsigned int seq;

	do {
		seq = read_seqbegin(&msg->lock);
		info->capacity = msg->capacity;
		info->length = msg->length;
		info->generation = msg->generation;
	} while (read_seqretry(&msg->lock, seq));
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_info);

/**
 * lkmdemo_message_page() - a page of the live message, for a mapping
 * @msg: the message
 * @index: which page of it, from 0
 *
 * Context: Any.
 * Return: The page, without a reference of the caller's, or NULL for an index
 * past the page that holds the last byte of the capacity.
 */
struct page *lkmdemo_message_page(struct lkmdemo_message *msg,
				  unsigned long index)
{
	if (index >= PFN_UP(msg->capacity))
		return NULL;

	return vmalloc_to_page(msg->data + (index << PAGE_SHIFT));
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_message_page);
