// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes and clears: bounds, gaps, appends, and sources that fault.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "helpers.h"
#include "lkmdemo.h"

#define CAPACITY	64
#define LENGTH		16

/* Writes of up to this many bytes are staged in one way, larger ones in another. */
#define SMALL		64

/* A first message, with room for @capacity bytes and zeros in the rest. */
static u8 *first_message(struct kunit *test, size_t capacity, size_t length)
{
	u8 *bytes = lkmdemo_kunit_zalloc(test, capacity);

	lkmdemo_kunit_fill(bytes, 0, length);

	return bytes;
}

struct bounds_case {
	const char *desc;
	loff_t pos;
	size_t count;
	ssize_t ret;
};

/* The message has LENGTH bytes, and room for CAPACITY. */
static const struct bounds_case bounds_cases[] = {
	{ "0 bytes at 0", 0, 0, 0 },
	{ "1 byte at 0", 0, 1, 1 },
	{ "capacity - 1 bytes at 0", 0, CAPACITY - 1, CAPACITY - 1 },
	{ "capacity bytes at 0", 0, CAPACITY, CAPACITY },
	{ "capacity + 1 bytes at 0", 0, CAPACITY + 1, -EINVAL },
	{ "SSIZE_MAX bytes at 0", 0, SSIZE_MAX, -EINVAL },
	{ "inside the message", 5, 3, 3 },
	{ "across the end of the message", LENGTH - 1, 2, 2 },
	{ "at the end of the message", LENGTH, 1, 1 },
	{ "one past the end of the message", LENGTH + 1, 1, 1 },
	{ "0 bytes past the end of the message", LENGTH + 1, 0, 0 },
	{ "capacity - 1 bytes at 1", 1, CAPACITY - 1, CAPACITY - 1 },
	{ "capacity bytes at 1", 1, CAPACITY, -ENOSPC },
	{ "capacity + 1 bytes at 1", 1, CAPACITY + 1, -EINVAL },
	{ "0 bytes at capacity - 1", CAPACITY - 1, 0, 0 },
	{ "1 byte at capacity - 1", CAPACITY - 1, 1, 1 },
	{ "2 bytes at capacity - 1", CAPACITY - 1, 2, -ENOSPC },
	{ "0 bytes at capacity", CAPACITY, 0, 0 },
	{ "1 byte at capacity", CAPACITY, 1, -ENOSPC },
	{ "capacity bytes at capacity", CAPACITY, CAPACITY, -ENOSPC },
	{ "capacity + 1 bytes at capacity", CAPACITY, CAPACITY + 1, -EINVAL },
	{ "0 bytes at capacity + 1", CAPACITY + 1, 0, 0 },
	{ "1 byte at capacity + 1", CAPACITY + 1, 1, -ENOSPC },
	{ "1 byte at a position over 32 bits", SZ_4G, 1, -ENOSPC },
	{ "0 bytes at LLONG_MAX", LLONG_MAX, 0, 0 },
	{ "1 byte at LLONG_MAX - 1", LLONG_MAX - 1, 1, -ENOSPC },
	{ "1 byte at LLONG_MAX", LLONG_MAX, 1, -EINVAL },
	{ "1 byte at -1", -1, 1, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(bounds, bounds_cases, desc);

static void write_bounds(struct kunit *test)
{
	const struct bounds_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, LENGTH);
	u8 *want = first_message(test, CAPACITY, LENGTH);
	u8 *bytes = lkmdemo_kunit_bytes(test, CAPACITY + 1);
	size_t moved = max(c->ret, 0), length = LENGTH;
	loff_t pos = c->pos;

	if (moved) {
		memcpy(want + pos, bytes, moved);
		length = max_t(size_t, length, pos + moved);
	}

	KUNIT_EXPECT_EQ(test, kernel_write(file, bytes, c->count, &pos), c->ret);
	KUNIT_EXPECT_EQ(test, pos, c->pos + moved);
	lkmdemo_kunit_expect_message(test, file, want, length, moved ? 2 : 1);
}

struct append_case {
	const char *desc;
	size_t length;
	size_t count;
	ssize_t ret;
};

static const struct append_case append_cases[] = {
	{ "to an empty message", 0, 5, 5 },
	{ "to some bytes", LENGTH, 5, 5 },
	{ "up to the capacity", LENGTH, CAPACITY - LENGTH, CAPACITY - LENGTH },
	{ "one byte past the capacity", LENGTH, CAPACITY - LENGTH + 1, -ENOSPC },
	{ "to a full message", CAPACITY, 1, -ENOSPC },
	{ "0 bytes to some bytes", LENGTH, 0, 0 },
	{ "0 bytes to a full message", CAPACITY, 0, 0 },
	{ "more than the capacity", LENGTH, CAPACITY + 1, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(append, append_cases, desc);

static void append_starts_at_the_length(struct kunit *test)
{
	const struct append_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, c->length);
	u8 *want = first_message(test, CAPACITY, c->length);
	u8 *bytes = lkmdemo_kunit_bytes(test, CAPACITY + 1);
	struct kvec vec = { .iov_base = bytes, .iov_len = c->count };
	size_t moved = max(c->ret, 0);
	/* An append ignores its position. */
	loff_t pos = CAPACITY + 3;
	struct iov_iter from;

	memcpy(want + c->length, bytes, moved);
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, c->count);

	KUNIT_EXPECT_EQ(test, vfs_iter_write(file, &from, &pos, RWF_APPEND), c->ret);
	KUNIT_EXPECT_EQ(test, pos, moved ? c->length + moved : CAPACITY + 3);
	lkmdemo_kunit_expect_message(test, file, want, c->length + moved, 1 + !!moved);
}

static void write_through_o_append_starts_at_the_length(struct kunit *test)
{
	struct lkmdemo_device *dev = lkmdemo_kunit_device(test, CAPACITY, LENGTH);
	struct file *file = lkmdemo_kunit_open(test, dev, O_WRONLY | O_APPEND);
	loff_t pos = 0;

	KUNIT_EXPECT_EQ(test, kernel_write(file, "end", 3, &pos), 3);
	KUNIT_EXPECT_EQ(test, pos, LENGTH + 3);
}

static void write_of_segments_keeps_their_order(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 0);
	static const struct kvec vec[] = {
		{ .iov_base = "one ", .iov_len = 4 },
		{ .iov_base = NULL, .iov_len = 0 },
		{ .iov_base = "two", .iov_len = 3 },
	};
	struct iov_iter from;
	loff_t pos = 0;

	iov_iter_kvec(&from, ITER_SOURCE, vec, ARRAY_SIZE(vec), 7);

	KUNIT_EXPECT_EQ(test, vfs_iter_write(file, &from, &pos, 0), 7);
	lkmdemo_kunit_expect_message(test, file, "one two", 7, 2);
}

static void gap_reads_as_zeros(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, LENGTH);
	u8 *want = first_message(test, CAPACITY, LENGTH);
	u8 *seen = lkmdemo_kunit_bytes(test, LENGTH + 5);
	loff_t pos = 0;

	want[LENGTH + 4] = 'w';

	lkmdemo_kunit_write_at(file, "w", 1, LENGTH + 4);

	KUNIT_EXPECT_EQ(test, kernel_read(file, seen, LENGTH + 5, &pos), LENGTH + 5);
	KUNIT_EXPECT_MEMEQ(test, seen, want, LENGTH + 5);
}

struct capacity_case {
	const char *desc;
	size_t capacity;
};

static const struct capacity_case capacity_cases[] = {
	{ "one byte", 1 },
	{ "64 bytes", SMALL },
	{ "65 bytes", SMALL + 1 },
	{ "a page", PAGE_SIZE },
	{ "a page and a byte", PAGE_SIZE + 1 },
	{ "the largest", LKMDEMO_CAPACITY_MAX },
};

KUNIT_ARRAY_PARAM_DESC(capacity, capacity_cases, desc);

static void capacity_can_be_filled(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, c->capacity, 0);
	u8 *bytes = first_message(test, c->capacity, c->capacity);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write_at(file, bytes, c->capacity, 0), c->capacity);
	lkmdemo_kunit_expect_message(test, file, bytes, c->capacity, 2);
}

static void capacity_cannot_be_exceeded(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, c->capacity, c->capacity);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write_at(file, "w", 1, c->capacity), -ENOSPC);
	lkmdemo_kunit_expect_message(test, file, first_message(test, c->capacity, c->capacity),
				     c->capacity, 1);
}

static void last_byte_can_be_written(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, c->capacity, 0);
	u8 *want = first_message(test, c->capacity, 0);

	want[c->capacity - 1] = 'w';

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write_at(file, "w", 1, c->capacity - 1), 1);
	lkmdemo_kunit_expect_message(test, file, want, c->capacity, 2);
}

static void clear_zeroes_the_buffer(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, c->capacity, c->capacity);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_clear(file), 0);
	lkmdemo_kunit_expect_message(test, file, "", 0, 2);
}

static void clear_of_an_empty_message_is_no_change(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 0);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_clear(file), 0);
	lkmdemo_kunit_expect_message(test, file, "", 0, 1);
}

static void clear_twice_is_one_change(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 1);

	lkmdemo_kunit_clear(file);
	lkmdemo_kunit_clear(file);

	lkmdemo_kunit_expect_message(test, file, "", 0, 2);
}

static void gap_after_clear_shows_no_old_bytes(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, CAPACITY);
	u8 *want = first_message(test, CAPACITY, 0);

	want[CAPACITY - 1] = 'w';

	lkmdemo_kunit_clear(file);
	lkmdemo_kunit_write_at(file, "w", 1, CAPACITY - 1);

	lkmdemo_kunit_expect_message(test, file, want, CAPACITY, 3);
}

static void append_after_clear_starts_at_0(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, LENGTH);

	lkmdemo_kunit_clear(file);
	lkmdemo_kunit_append(file, "w", 1);

	lkmdemo_kunit_expect_message(test, file, "w", 1, 3);
}

struct fault_case {
	const char *desc;
	size_t good;
	size_t bad;
	loff_t pos;
	rwf_t flags;
};

static const struct fault_case fault_cases[] = {
	{ "small, first byte", 0, 16, 0, 0 },
	{ "small, second half", 16, 16, 0, 0 },
	{ "small, last byte", 31, 1, 0, 0 },
	{ "small, at an offset", 16, 16, 10, 0 },
	{ "small, RWF_APPEND", 16, 16, 0, RWF_APPEND },
	{ "small, RWF_NOWAIT", 16, 16, 0, RWF_NOWAIT },
	{ "64 bytes", SMALL / 2, SMALL / 2, 0, 0 },
	{ "65 bytes", SMALL, 1, 0, 0 },
	{ "large, first byte", 0, 2000, 0, 0 },
	{ "large, second half", 1000, 1000, 0, 0 },
	{ "large, last byte", 1999, 1, 0, 0 },
	{ "large, at an offset", 1000, 1000, 10, 0 },
	{ "large, RWF_APPEND", 1000, 1000, 0, RWF_APPEND },
	{ "large, RWF_NOWAIT", 1000, 1000, 0, RWF_NOWAIT },
};

KUNIT_ARRAY_PARAM_DESC(fault, fault_cases, desc);

static void check_fault(struct kunit *test, char __user *hole, struct iov_iter *from)
{
	const struct fault_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, 4096, LENGTH);
	loff_t pos = c->pos;

	KUNIT_ASSERT_EQ(test, clear_user(hole - c->good, c->good), 0);

	KUNIT_EXPECT_EQ(test, vfs_iter_write(file, from, &pos, c->flags), -EFAULT);
	KUNIT_EXPECT_EQ(test, pos, c->pos);
	KUNIT_EXPECT_EQ(test, iov_iter_count(from), c->good + c->bad);
	lkmdemo_kunit_expect_message(test, file, first_message(test, LENGTH, LENGTH), LENGTH, 1);
}

static void write_from_a_faulting_segment_changes_nothing(struct kunit *test)
{
	const struct fault_case *c = test->param_value;
	char __user *hole = lkmdemo_kunit_user_hole(test);
	struct iovec vec[] = {
		{ .iov_base = hole - c->good, .iov_len = c->good },
		{ .iov_base = hole, .iov_len = c->bad },
	};
	struct iov_iter from;

	iov_iter_init(&from, ITER_SOURCE, vec, ARRAY_SIZE(vec), c->good + c->bad);
	check_fault(test, hole, &from);
}

static void write_from_a_faulting_buffer_changes_nothing(struct kunit *test)
{
	const struct fault_case *c = test->param_value;
	char __user *hole = lkmdemo_kunit_user_hole(test);
	struct iov_iter from;

	iov_iter_ubuf(&from, ITER_SOURCE, hole - c->good, c->good + c->bad);
	check_fault(test, hole, &from);
}

static void oversize_write_from_a_hole_is_einval(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 0);
	char __user *hole = lkmdemo_kunit_user_hole(test);
	loff_t pos = 0;

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write_user(file, hole, CAPACITY + 1, &pos), -EINVAL);
}

struct user_case {
	const char *desc;
	size_t count;
	bool resident;
	rwf_t flags;
};

static const struct user_case user_cases[] = {
	{ "small, resident", SMALL, true, 0 },
	{ "small, not resident", SMALL, false, 0 },
	{ "small, not resident, RWF_NOWAIT", SMALL, false, RWF_NOWAIT },
	{ "large, resident", 2 * PAGE_SIZE, true, 0 },
	{ "large, not resident", 2 * PAGE_SIZE, false, 0 },
	{ "large, not resident, RWF_NOWAIT", 2 * PAGE_SIZE, false, RWF_NOWAIT },
};

KUNIT_ARRAY_PARAM_DESC(user, user_cases, desc);

static void write_from_user_pages_is_complete(struct kunit *test)
{
	const struct user_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, 2 * PAGE_SIZE, 0);
	char __user *user = lkmdemo_kunit_user_pages(test, 2);
	u8 *want = first_message(test, c->count, c->resident ? c->count : 0);
	struct iov_iter from;
	loff_t pos = 0;

	/* Pages that are not resident arrive as zeros. */
	if (c->resident)
		KUNIT_ASSERT_EQ(test, copy_to_user(user, want, c->count), 0);
	iov_iter_ubuf(&from, ITER_SOURCE, user, c->count);

	KUNIT_EXPECT_EQ(test, vfs_iter_write(file, &from, &pos, c->flags), c->count);
	lkmdemo_kunit_expect_message(test, file, want, c->count, 2);
}

struct slow {
	struct lkmdemo_device *dev;
	struct file *file;
};

/* Another call writes while the writer waits for a page. */
static bool write_meanwhile(void *data)
{
	struct slow *slow = data;

	return !lkmdemo_kunit_is_locked(slow->dev) &&
	       lkmdemo_kunit_append(slow->file, "meanwhile", 9) == 9;
}

static struct slow *new_slow(struct kunit *test)
{
	struct slow *slow = lkmdemo_kunit_zalloc(test, sizeof(*slow));

	slow->dev = lkmdemo_kunit_device(test, 3 * PAGE_SIZE, 0);
	slow->file = lkmdemo_kunit_open(test, slow->dev, O_RDWR);

	return slow;
}

struct slow_case {
	const char *desc;
	size_t count;
	unsigned int pages;
	rwf_t flags;
};

static const struct slow_case slow_cases[] = {
	{ "small", SMALL, 1, 0 },
	{ "large", 2 * PAGE_SIZE, 2, 0 },
	{ "small, RWF_APPEND", SMALL, 1, RWF_APPEND },
	{ "large, RWF_APPEND", 2 * PAGE_SIZE, 2, RWF_APPEND },
};

KUNIT_ARRAY_PARAM_DESC(slow, slow_cases, desc);

static void writer_waits_for_its_pages_without_the_lock(struct kunit *test)
{
	const struct slow_case *c = test->param_value;
	struct slow *slow = new_slow(test);
	u8 *want = lkmdemo_kunit_zalloc(test, 3 * PAGE_SIZE);
	size_t start = 0, meanwhile = 9 * c->pages, i;
	struct iov_iter from;
	loff_t pos = 0;

	for (i = 0; i < c->pages; i++)
		memcpy(want + 9 * i, "meanwhile", 9);
	/* What was appended meanwhile comes first. */
	if (c->flags & RWF_APPEND)
		start = meanwhile;
	memset(want + start, 0, c->count);
	iov_iter_ubuf(&from, ITER_SOURCE,
		      lkmdemo_kunit_slow_pages(test, c->pages, write_meanwhile, slow), c->count);

	KUNIT_EXPECT_EQ(test, vfs_iter_write(slow->file, &from, &pos, c->flags), c->count);
	/* One change for each page, then the write itself. */
	lkmdemo_kunit_expect_message(test, slow->file, want, start + c->count, 2 + c->pages);
}

static const struct slow_case nowait_cases[] = {
	{ "small", SMALL, 1, RWF_NOWAIT },
	{ "large", 2 * PAGE_SIZE, 2, RWF_NOWAIT },
};

KUNIT_ARRAY_PARAM_DESC(nowait, nowait_cases, desc);

static void nowait_writer_does_not_wait_for_its_pages(struct kunit *test)
{
	const struct slow_case *c = test->param_value;
	struct slow *slow = new_slow(test);
	struct iov_iter from;
	loff_t pos = 3;

	iov_iter_ubuf(&from, ITER_SOURCE,
		      lkmdemo_kunit_slow_pages(test, c->pages, write_meanwhile, slow), c->count);

	KUNIT_EXPECT_EQ(test, vfs_iter_write(slow->file, &from, &pos, c->flags), -EAGAIN);
	KUNIT_EXPECT_EQ(test, pos, 3);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&from), c->count);
	lkmdemo_kunit_expect_message(test, slow->file, "", 0, 1);
}

struct stuck_case {
	const char *desc;
	/* The bytes before the hole. */
	size_t before;
	unsigned int attempts;
};

static const struct stuck_case stuck_cases[] = {
	{ "no byte copied", 0, 3 },
	{ "a byte copied", 1, 4 },
};

KUNIT_ARRAY_PARAM_DESC(stuck, stuck_cases, desc);

/* The pages seem to be resident after it, up to a limit. */
static int fault_in_nothing(const struct iov_iter *iter, size_t count, int flags)
{
	unsigned int *attempts = kunit_get_current_test()->priv;

	return ++*attempts < 10 ? 0 : -EIO;
}

static void nowait_write_without_progress_ends(struct kunit *test)
{
	const struct stuck_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, LENGTH);
	char __user *hole = lkmdemo_kunit_user_hole(test);
	unsigned int attempts = 0;
	struct iov_iter from;
	loff_t pos = 3;

	/* The page before the hole becomes resident. */
	KUNIT_ASSERT_EQ(test, clear_user(hole - 1, 1), 0);
	test->priv = &attempts;
	kunit_activate_static_stub(test, lkmdemo_fault_in, fault_in_nothing);
	iov_iter_ubuf(&from, ITER_SOURCE, hole - c->before, 8);

	KUNIT_EXPECT_EQ(test, vfs_iter_write(file, &from, &pos, RWF_NOWAIT), -EFAULT);
	KUNIT_EXPECT_EQ(test, attempts, c->attempts);
	KUNIT_EXPECT_EQ(test, pos, 3);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&from), 8);
}

struct flushes {
	void *first;
	unsigned int nr;
};

static void note_flush(void *page)
{
	struct flushes *flushes = kunit_get_current_test()->priv;

	flushes->first = flushes->first ?: page;
	flushes->nr++;
}

struct flush_case {
	const char *desc;
	/* The bytes that a write changes; all bytes are cleared if there are none. */
	size_t start;
	size_t count;
	/* The first page of those, and the number of pages. */
	unsigned int first;
	unsigned int nr;
};

static const struct flush_case flush_cases[] = {
	{ "bytes of a page", PAGE_SIZE + 5, 3, 1, 1 },
	{ "bytes to the end of a page", 2 * PAGE_SIZE - 3, 3, 1, 1 },
	{ "bytes of two pages", 2 * PAGE_SIZE - 2, 3, 1, 2 },
	{ "bytes past the end of the message", 2 * PAGE_SIZE + LENGTH, 3, 2, 1 },
	{ "all bytes", 0, 0, 0, 3 },
};

KUNIT_ARRAY_PARAM_DESC(flush, flush_cases, desc);

/* Where data caches alias, mappings of the changed pages need a flush. */
static void change_flushes_the_pages_that_changed(struct kunit *test)
{
	const struct flush_case *c = test->param_value;
	struct lkmdemo_device *dev = lkmdemo_kunit_device(test, 3 * PAGE_SIZE,
							  2 * PAGE_SIZE + LENGTH);
	struct file *file = lkmdemo_kunit_open(test, dev, O_RDWR);
	struct flushes flushes = {};

	test->priv = &flushes;
	kunit_activate_static_stub(test, lkmdemo_message_flush_page, note_flush);

	if (c->count)
		KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write_at(file, "new", c->count, c->start),
				c->count);
	else
		KUNIT_EXPECT_EQ(test, lkmdemo_kunit_clear(file), 0);

	KUNIT_EXPECT_PTR_EQ(test, flushes.first, dev->message.data + c->first * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, flushes.nr, c->nr);
}

struct buffer_case {
	const char *desc;
	size_t count;
	rwf_t flags;
	gfp_t gfp;
	ssize_t ret;
};

/* A small write requires no memory. */
static const struct buffer_case buffer_cases[] = {
	{ "small", SMALL, 0, 0, SMALL },
	{ "large", SMALL + 1, 0, GFP_KERNEL_ACCOUNT, -ENOMEM },
	{ "small, RWF_NOWAIT", SMALL, RWF_NOWAIT, 0, SMALL },
	{ "large, RWF_NOWAIT", SMALL + 1, RWF_NOWAIT, GFP_NOWAIT, -EAGAIN },
};

KUNIT_ARRAY_PARAM_DESC(buffer, buffer_cases, desc);

static void *no_buffer(size_t count, gfp_t gfp)
{
	*(gfp_t *)kunit_get_current_test()->priv = gfp;

	return NULL;
}

static void write_without_memory_changes_nothing(struct kunit *test)
{
	const struct buffer_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, 2 * SMALL, LENGTH);
	u8 *want = first_message(test, 2 * SMALL, LENGTH);
	struct kvec vec = { lkmdemo_kunit_bytes(test, c->count), c->count };
	struct iov_iter from;
	loff_t pos = 0;
	gfp_t gfp = 0;

	test->priv = &gfp;
	kunit_activate_static_stub(test, lkmdemo_message_buffer, no_buffer);
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, c->count);

	KUNIT_EXPECT_EQ(test, vfs_iter_write(file, &from, &pos, c->flags), c->ret);

	KUNIT_EXPECT_EQ(test, (__force u32)gfp, (__force u32)c->gfp);
	if (c->ret > 0)
		return;
	KUNIT_EXPECT_EQ(test, pos, 0);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&from), c->count);
	lkmdemo_kunit_expect_message(test, file, want, LENGTH, 1);
}

struct sleeper {
	poll_table table;
	struct wait_queue_entry entry;
	wait_queue_head_t *head;
	unsigned int wakeups;
	void *key;
};

static int note_wakeup(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	struct sleeper *sleeper = container_of(entry, struct sleeper, entry);

	sleeper->wakeups++;
	sleeper->key = key;

	return 0;
}

static void wait_for_a_change(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct sleeper *sleeper = container_of(table, struct sleeper, table);

	sleeper->head = head;
	add_wait_queue(head, &sleeper->entry);
}

static long change_by_write(struct file *file)
{
	return lkmdemo_kunit_write_at(file, "new", 3, 5);
}

static long change_by_append(struct file *file)
{
	return lkmdemo_kunit_append(file, "new", 3);
}

struct change_case {
	const char *desc;
	long (*change)(struct file *file);
};

static const struct change_case change_cases[] = {
	{ "write", change_by_write },
	{ "append", change_by_append },
	{ "clear", lkmdemo_kunit_clear },
};

KUNIT_ARRAY_PARAM_DESC(change, change_cases, desc);

static void change_wakes_up_who_waits(struct kunit *test)
{
	const struct change_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, LENGTH);
	struct sleeper sleeper = {};

	init_poll_funcptr(&sleeper.table, wait_for_a_change);
	init_waitqueue_func_entry(&sleeper.entry, note_wakeup);
	KUNIT_EXPECT_FALSE(test, vfs_poll(file, &sleeper.table) & EPOLLPRI);
	KUNIT_ASSERT_NOT_NULL(test, sleeper.head);

	KUNIT_EXPECT_GE(test, c->change(file), 0);

	KUNIT_EXPECT_EQ(test, sleeper.wakeups, 1);
	/* io_uring ignores a wake-up for EPOLLPRI alone. */
	KUNIT_EXPECT_NULL(test, sleeper.key);
	remove_wait_queue(sleeper.head, &sleeper.entry);
}

#define APPENDERS	4
#define RECORD		16
#define RECORDS		SZ_4K
/* So many changes from one thread to another in the records show that they append together. */
#define SWITCHES	500

struct append_race {
	struct file *file;
	size_t stored[APPENDERS];
	unsigned int switches;
	u8 seen[RECORDS * RECORD];
};

static void append_until_full(void *data, unsigned int i)
{
	struct append_race *race = data;
	u8 record[RECORD];

	memset(record, 'A' + i, sizeof(record));
	while (lkmdemo_kunit_append(race->file, record, RECORD) == RECORD)
		race->stored[i]++;
}

/* Whether the message is full of whole records, as many of each as were stored. */
static bool records_are_complete(struct append_race *race)
{
	size_t found[APPENDERS] = {};
	loff_t pos = 0;
	size_t i;

	if (kernel_read(race->file, race->seen, sizeof(race->seen), &pos) != sizeof(race->seen))
		return false;

	for (i = 0; i < sizeof(race->seen); i += RECORD) {
		const u8 *record = race->seen + i;
		unsigned int owner = *record - 'A';

		if (owner >= APPENDERS || memchr_inv(record, *record, RECORD))
			return false;
		found[owner]++;
		race->switches += i && *record != record[-1];
	}

	return !memcmp(found, race->stored, sizeof(found));
}

static void concurrent_appends_lose_no_record(struct kunit *test)
{
	struct append_race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));
	unsigned long end = jiffies + (num_online_cpus() > 1 ? HZ / 5 : 0);

	race->file = lkmdemo_kunit_file(test, RECORDS * RECORD, 0);

	do {
		memset(race->stored, 0, sizeof(race->stored));
		lkmdemo_kunit_clear(race->file);

		lkmdemo_kunit_race(test, APPENDERS, append_until_full, race);

		KUNIT_ASSERT_TRUE(test, records_are_complete(race));
	} while (time_before(jiffies, end) && race->switches < SWITCHES);
}

static struct kunit_case message_write_cases[] = {
	KUNIT_CASE_PARAM(write_bounds, bounds_gen_params),
	KUNIT_CASE_PARAM(append_starts_at_the_length, append_gen_params),
	KUNIT_CASE(write_through_o_append_starts_at_the_length),
	KUNIT_CASE(write_of_segments_keeps_their_order),
	KUNIT_CASE(gap_reads_as_zeros),
	KUNIT_CASE_PARAM(capacity_can_be_filled, capacity_gen_params),
	KUNIT_CASE_PARAM(capacity_cannot_be_exceeded, capacity_gen_params),
	KUNIT_CASE_PARAM(last_byte_can_be_written, capacity_gen_params),
	KUNIT_CASE_PARAM(clear_zeroes_the_buffer, capacity_gen_params),
	KUNIT_CASE(clear_of_an_empty_message_is_no_change),
	KUNIT_CASE(clear_twice_is_one_change),
	KUNIT_CASE(gap_after_clear_shows_no_old_bytes),
	KUNIT_CASE(append_after_clear_starts_at_0),
	KUNIT_CASE_PARAM(write_from_a_faulting_segment_changes_nothing, fault_gen_params),
	KUNIT_CASE_PARAM(write_from_a_faulting_buffer_changes_nothing, fault_gen_params),
	KUNIT_CASE(oversize_write_from_a_hole_is_einval),
	KUNIT_CASE_PARAM(write_from_user_pages_is_complete, user_gen_params),
	KUNIT_CASE_PARAM(writer_waits_for_its_pages_without_the_lock, slow_gen_params),
	KUNIT_CASE_PARAM(nowait_writer_does_not_wait_for_its_pages, nowait_gen_params),
	KUNIT_CASE_PARAM(nowait_write_without_progress_ends, stuck_gen_params),
	KUNIT_CASE_PARAM(change_flushes_the_pages_that_changed, flush_gen_params),
	KUNIT_CASE_PARAM(write_without_memory_changes_nothing, buffer_gen_params),
	KUNIT_CASE_PARAM(change_wakes_up_who_waits, change_gen_params),
	KUNIT_CASE(concurrent_appends_lose_no_record),
	{}
};

static struct kunit_suite message_write_suite = {
	.name = "lkmdemo_message_write",
	.suite_init = lkmdemo_kunit_suite_init,
	.suite_exit = lkmdemo_kunit_suite_exit,
	.test_cases = message_write_cases,
};

kunit_test_suite(message_write_suite);
