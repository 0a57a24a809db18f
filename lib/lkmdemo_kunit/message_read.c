// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads: offsets, segments, and destinations that fault.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "helpers.h"
#include "lkmdemo.h"

#define CAPACITY	64

struct bounds_case {
	const char *desc;
	size_t length;
	loff_t pos;
	size_t count;
	ssize_t ret;
};

static const struct bounds_case bounds_cases[] = {
	{ "start", 17, 0, 5, 5 },
	{ "middle", 17, 6, 5, 5 },
	{ "last byte", 17, 16, 1, 1 },
	{ "whole message", 17, 0, 17, 17 },
	{ "one byte short of the end", 17, 3, 13, 13 },
	{ "up to the end", 17, 3, 14, 14 },
	{ "one byte beyond the end", 17, 3, 15, 14 },
	{ "last byte, larger count", 17, 16, CAPACITY, 1 },
	{ "at the end", 17, 17, 1, 0 },
	{ "one past the end", 17, 18, 1, 0 },
	{ "last byte of the buffer, past the end", 17, CAPACITY - 1, 1, 0 },
	{ "at the capacity", 17, CAPACITY, 1, 0 },
	{ "past the capacity", 17, CAPACITY + 1, 1, 0 },
	{ "position over 32 bits", 17, SZ_4G + 3, 5, 0 },
	{ "largest position and count", 17, LLONG_MAX - 5, 5, 0 },
	{ "position and count overflow", 17, LLONG_MAX, 5, -EINVAL },
	{ "negative position", 17, -1, 5, -EINVAL },
	{ "zero count at the start", 17, 0, 0, 0 },
	{ "zero count in the middle", 17, 6, 0, 0 },
	{ "zero count at the end", 17, 17, 0, 0 },
	{ "zero count at LLONG_MAX", 17, LLONG_MAX, 0, 0 },
	{ "count of SSIZE_MAX at the start", 17, 0, SSIZE_MAX, 17 },
	{ "count of SSIZE_MAX at the end", 17, 17, SSIZE_MAX - 17, 0 },
	{ "empty message", 0, 0, 5, 0 },
	{ "empty message, past the end", 0, 1, 5, 0 },
	{ "full message", CAPACITY, 0, CAPACITY, CAPACITY },
	{ "full message, larger count", CAPACITY, 0, CAPACITY + 1, CAPACITY },
	{ "full message, last byte", CAPACITY, CAPACITY - 1, 2, 1 },
	{ "full message, at the end", CAPACITY, CAPACITY, 1, 0 },
};

KUNIT_ARRAY_PARAM_DESC(bounds, bounds_cases, desc);

/* The bytes between the result and the count are unspecified. */
static void read_bounds(struct kunit *test)
{
	const struct bounds_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, c->length);
	u8 *seen = lkmdemo_kunit_bytes(test, CAPACITY);
	u8 *want = lkmdemo_kunit_bytes(test, CAPACITY);
	size_t count = min_t(size_t, c->count, CAPACITY);
	size_t moved = max_t(ssize_t, c->ret, 0);
	loff_t pos = c->pos;

	lkmdemo_kunit_fill(want, c->pos, moved);

	KUNIT_EXPECT_EQ(test, kernel_read(file, seen, c->count, &pos), c->ret);
	KUNIT_EXPECT_EQ(test, pos, c->pos + moved);
	KUNIT_EXPECT_MEMEQ(test, seen, want, moved);
	KUNIT_EXPECT_MEMEQ(test, seen + count, want + count, CAPACITY - count);
}

/* Segments are this far apart, the last one first in memory. */
#define SEGMENT_ROOM	16
#define SEGMENTS	4

struct segments_case {
	const char *desc;
	size_t segments[SEGMENTS];
	loff_t pos;
	ssize_t ret;
};

/* The message has 17 bytes. */
static const struct segments_case segments_cases[] = {
	{ "two", { 4, 5 }, 0, 9 },
	{ "one byte each", { 1, 1, 1, 1 }, 0, 4 },
	{ "from the middle", { 2, 3, 4 }, 6, 9 },
	{ "empty one in between", { 3, 0, 4 }, 2, 7 },
	{ "empty one first", { 0, 5 }, 2, 5 },
	{ "all empty", { 0, 0 }, 2, 0 },
	{ "message ends with the first", { 7, 5 }, 10, 7 },
	{ "message ends in the second", { 4, 8, 5 }, 10, 7 },
	{ "more than the message", { 16, 16, 16, 16 }, 0, 17 },
	{ "at the end", { 4, 5 }, 17, 0 },
};

KUNIT_ARRAY_PARAM_DESC(segments, segments_cases, desc);

/* Return the total size. Set @want to what the segments in @seen receive. */
static size_t set_segments(const struct segments_case *c, struct kvec *vec, u8 *seen, u8 *want)
{
	size_t offset = 0, size = 0;
	int i;

	for (i = 0; i < SEGMENTS; i++) {
		size_t n = min_t(size_t, c->segments[i], c->ret - offset);
		size_t place = (SEGMENTS - 1 - i) * SEGMENT_ROOM;

		lkmdemo_kunit_fill(want + place, c->pos + offset, n);
		offset += n;
		vec[i].iov_base = seen + place;
		vec[i].iov_len = c->segments[i];
		size += c->segments[i];
	}

	return size;
}

/* On the heap: tests keep their frames small. */
struct segments_read {
	struct kvec vec[SEGMENTS];
	struct iov_iter to;
	loff_t pos;
};

/* The bytes of the segments past the result are unspecified. */
static noinline void expect_segments(struct kunit *test, const u8 *seen, const u8 *want)
{
	const struct segments_case *c = test->param_value;
	size_t offset = 0;
	int i;

	for (i = 0; i < SEGMENTS; i++) {
		size_t place = (SEGMENTS - 1 - i) * SEGMENT_ROOM, end = place + c->segments[i];
		size_t n = min_t(size_t, c->segments[i], c->ret - offset);

		KUNIT_EXPECT_MEMEQ(test, seen + place, want + place, n);
		KUNIT_EXPECT_MEMEQ(test, seen + end, want + end, SEGMENT_ROOM - c->segments[i]);
		offset += n;
	}
}

static void read_segments(struct kunit *test)
{
	struct segments_read *r = lkmdemo_kunit_zalloc(test, sizeof(*r));
	const struct segments_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 17);
	u8 *seen = lkmdemo_kunit_bytes(test, SEGMENTS * SEGMENT_ROOM);
	u8 *want = lkmdemo_kunit_bytes(test, SEGMENTS * SEGMENT_ROOM);
	size_t size = set_segments(c, r->vec, seen, want);

	r->pos = c->pos;
	iov_iter_kvec(&r->to, ITER_DEST, r->vec, SEGMENTS, size);

	KUNIT_EXPECT_EQ(test, vfs_iter_read(file, &r->to, &r->pos, 0), c->ret);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&r->to), size - c->ret);
	KUNIT_EXPECT_EQ(test, r->pos, c->pos + c->ret);
	expect_segments(test, seen, want);
}

static void read_of_the_largest_message(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, LKMDEMO_CAPACITY_MAX, LKMDEMO_CAPACITY_MAX);
	u8 *seen = lkmdemo_kunit_bytes(test, LKMDEMO_CAPACITY_MAX);
	u8 *want = lkmdemo_kunit_bytes(test, LKMDEMO_CAPACITY_MAX);
	loff_t pos = 0;

	lkmdemo_kunit_fill(want, 0, LKMDEMO_CAPACITY_MAX);

	KUNIT_EXPECT_EQ(test, kernel_read(file, seen, LKMDEMO_CAPACITY_MAX, &pos),
			LKMDEMO_CAPACITY_MAX);
	KUNIT_EXPECT_EQ(test, memcmp(seen, want, LKMDEMO_CAPACITY_MAX), 0);
}

static void reads_in_sequence_are_contiguous(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 17);
	u8 *seen = lkmdemo_kunit_bytes(test, 17);
	u8 *want = lkmdemo_kunit_bytes(test, 17);
	loff_t pos = 0;

	lkmdemo_kunit_fill(want, 0, 17);

	kernel_read(file, seen, 5, &pos);
	kernel_read(file, seen + 5, 1, &pos);
	kernel_read(file, seen + 6, 11, &pos);

	KUNIT_EXPECT_MEMEQ(test, seen, want, 17);
}

static void read_does_not_change_the_message(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 17);
	u8 *seen = lkmdemo_kunit_bytes(test, 17);
	u8 *want = lkmdemo_kunit_zalloc(test, 17);
	loff_t pos = 0;

	lkmdemo_kunit_fill(want, 0, 17);

	kernel_read(file, seen, 17, &pos);

	lkmdemo_kunit_expect_message(test, file, want, 17, 1);
}

struct urgent_case {
	const char *desc;
	loff_t pos;
	size_t count;
	bool urgent;
};

static const struct urgent_case urgent_cases[] = {
	{ "whole message", 0, 17, false },
	{ "one byte", 3, 1, false },
	{ "at the end", 17, 1, false },
	{ "zero count", 0, 0, true },
};

KUNIT_ARRAY_PARAM_DESC(urgent, urgent_cases, desc);

static void read_after_a_change_clears_epollpri(struct kunit *test)
{
	const struct urgent_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 17);
	u8 *seen = lkmdemo_kunit_bytes(test, 17);
	loff_t pos = c->pos;

	KUNIT_EXPECT_FALSE(test, lkmdemo_kunit_is_urgent(file));
	lkmdemo_kunit_write_at(file, "x", 1, 0);
	KUNIT_EXPECT_TRUE(test, lkmdemo_kunit_is_urgent(file));

	kernel_read(file, seen, c->count, &pos);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_is_urgent(file), c->urgent);
}

struct fault_case {
	const char *desc;
	size_t good;
	size_t bad;
	loff_t pos;
};

/* The message has 200 bytes, of which at least one is within the bad memory. */
static const struct fault_case fault_cases[] = {
	{ "second byte", 1, 10, 0 },
	{ "half of the bytes", 100, 100, 0 },
	{ "half of the bytes, from the middle", 64, 64, 50 },
	{ "last byte", 199, 1, 0 },
};

KUNIT_ARRAY_PARAM_DESC(fault, fault_cases, desc);

/*
 * How close a copy gets to a fault depends on the architecture. It does not go
 * past it, and moves at least one byte.
 */
static void read_into_a_buffer_that_ends_in_a_fault(struct kunit *test)
{
	const struct fault_case *c = test->param_value;
	char __user *user = lkmdemo_kunit_user_hole(test) - c->good;
	struct file *file = lkmdemo_kunit_file(test, 256, 200);
	u8 *want = lkmdemo_kunit_bytes(test, c->good);
	loff_t pos = c->pos;
	struct iov_iter to;
	ssize_t ret;

	lkmdemo_kunit_fill(want, c->pos, c->good);
	iov_iter_ubuf(&to, ITER_DEST, user, c->good + c->bad);

	ret = vfs_iter_read(file, &to, &pos, 0);

	KUNIT_ASSERT_GT(test, ret, 0);
	KUNIT_ASSERT_LE(test, ret, c->good);
	KUNIT_EXPECT_EQ(test, pos, c->pos + ret);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&to), c->good + c->bad - ret);
	lkmdemo_kunit_expect_user_bytes(test, user, want, ret);
}

/* A segment is complete or, if it starts with a fault, empty. */
static void read_into_a_segment_that_starts_with_a_fault(struct kunit *test)
{
	const struct fault_case *c = test->param_value;
	char __user *hole = lkmdemo_kunit_user_hole(test);
	struct file *file = lkmdemo_kunit_file(test, 256, 200);
	u8 *want = lkmdemo_kunit_bytes(test, c->good);
	struct iovec vec[] = {
		{ .iov_base = hole - c->good, .iov_len = c->good },
		{ .iov_base = hole, .iov_len = c->bad },
	};
	loff_t pos = c->pos;
	struct iov_iter to;

	lkmdemo_kunit_fill(want, c->pos, c->good);
	iov_iter_init(&to, ITER_DEST, vec, ARRAY_SIZE(vec), c->good + c->bad);

	KUNIT_EXPECT_EQ(test, vfs_iter_read(file, &to, &pos, 0), c->good);
	KUNIT_EXPECT_EQ(test, pos, c->pos + c->good);
	lkmdemo_kunit_expect_user_bytes(test, hole - c->good, want, c->good);
}

static void read_up_to_a_hole_is_complete(struct kunit *test)
{
	char __user *hole = lkmdemo_kunit_user_hole(test);
	struct file *file = lkmdemo_kunit_file(test, 256, 200);
	loff_t pos = 0;

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_read_user(file, hole - 200, 210, &pos), 200);
}

struct hole_case {
	const char *desc;
	loff_t pos;
	rwf_t flags;
	ssize_t ret;
};

/* The message has 17 bytes. */
static const struct hole_case hole_cases[] = {
	{ "at the start", 0, 0, -EFAULT },
	{ "in the middle", 6, 0, -EFAULT },
	{ "at the end", 17, 0, 0 },
	{ "at the start, RWF_NOWAIT", 0, RWF_NOWAIT, -EFAULT },
	{ "at the end, RWF_NOWAIT", 17, RWF_NOWAIT, 0 },
};

KUNIT_ARRAY_PARAM_DESC(hole, hole_cases, desc);

static void read_into_a_hole(struct kunit *test)
{
	const struct hole_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 17);
	struct iov_iter to;
	loff_t pos = c->pos;

	iov_iter_ubuf(&to, ITER_DEST, lkmdemo_kunit_user_hole(test), 10);

	KUNIT_EXPECT_EQ(test, vfs_iter_read(file, &to, &pos, c->flags), c->ret);
	KUNIT_EXPECT_EQ(test, pos, c->pos);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&to), 10);
}

struct resident_case {
	const char *desc;
	bool resident[2];
	rwf_t flags;
};

static const struct resident_case resident_cases[] = {
	{ "no page resident", { false, false }, 0 },
	{ "first page resident", { true, false }, 0 },
	{ "second page resident", { false, true }, 0 },
	{ "both pages resident", { true, true }, 0 },
	{ "no page resident, RWF_NOWAIT", { false, false }, RWF_NOWAIT },
	{ "first page resident, RWF_NOWAIT", { true, false }, RWF_NOWAIT },
};

KUNIT_ARRAY_PARAM_DESC(resident, resident_cases, desc);

static void read_into_pages_that_are_not_resident_is_complete(struct kunit *test)
{
	const struct resident_case *c = test->param_value;
	size_t count = 2 * PAGE_SIZE;
	struct file *file = lkmdemo_kunit_file(test, count, count);
	char __user *user = lkmdemo_kunit_user_pages(test, 2);
	u8 *want = lkmdemo_kunit_bytes(test, count);
	struct iov_iter to;
	loff_t pos = 0;
	int i;

	lkmdemo_kunit_fill(want, 0, count);
	for (i = 0; i < 2; i++)
		if (c->resident[i])
			KUNIT_ASSERT_EQ(test, clear_user(user + i * PAGE_SIZE, PAGE_SIZE), 0);
	iov_iter_ubuf(&to, ITER_DEST, user, count);

	KUNIT_EXPECT_EQ(test, vfs_iter_read(file, &to, &pos, c->flags), count);
	KUNIT_EXPECT_EQ(test, pos, count);
	lkmdemo_kunit_expect_user_bytes(test, user, want, count);
}

struct slow {
	struct lkmdemo_device *dev;
	struct file *file;
};

/* Another call writes while the reader waits for its page. */
static bool write_meanwhile(void *data)
{
	struct slow *slow = data;

	return !lkmdemo_kunit_is_locked(slow->dev) &&
	       lkmdemo_kunit_write_at(slow->file, "meanwhile", 9, 0) == 9;
}

static struct slow *new_slow(struct kunit *test, size_t length)
{
	struct slow *slow = lkmdemo_kunit_zalloc(test, sizeof(*slow));

	slow->dev = lkmdemo_kunit_device(test, length, length);
	slow->file = lkmdemo_kunit_open(test, slow->dev, O_RDWR);

	return slow;
}

static void reader_waits_for_its_page_without_the_lock(struct kunit *test)
{
	struct slow *slow = new_slow(test, 100);
	u8 *want = lkmdemo_kunit_bytes(test, 100);
	struct iov_iter to;
	char __user *user;
	loff_t pos = 0;

	user = lkmdemo_kunit_slow_pages(test, 1, write_meanwhile, slow);
	lkmdemo_kunit_fill(want, 0, 100);
	memcpy(want, "meanwhile", 9);
	iov_iter_ubuf(&to, ITER_DEST, user, 100);

	KUNIT_EXPECT_EQ(test, vfs_iter_read(slow->file, &to, &pos, 0), 100);
	lkmdemo_kunit_expect_user_bytes(test, user, want, 100);
	KUNIT_EXPECT_FALSE(test, lkmdemo_kunit_is_urgent(slow->file));
}

static void nowait_reader_does_not_wait_for_its_page(struct kunit *test)
{
	struct slow *slow = new_slow(test, 100);
	struct iov_iter to;
	loff_t pos = 3;

	iov_iter_ubuf(&to, ITER_DEST, lkmdemo_kunit_slow_pages(test, 1, write_meanwhile, slow), 97);

	KUNIT_EXPECT_EQ(test, vfs_iter_read(slow->file, &to, &pos, RWF_NOWAIT), -EAGAIN);
	KUNIT_EXPECT_EQ(test, pos, 3);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&to), 97);
	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_info(test, slow->file).generation, 1);
}

struct stuck_case {
	const char *desc;
	bool user;
	rwf_t flags;
	unsigned int copies;
};

/* Memory of the kernel never requires a fault: RWF_NOWAIT gives up at once. */
static const struct stuck_case stuck_cases[] = {
	{ "user memory", true, 0, 4 },
	{ "user memory, RWF_NOWAIT", true, RWF_NOWAIT, 4 },
	{ "kernel memory", false, 0, 4 },
	{ "kernel memory, RWF_NOWAIT", false, RWF_NOWAIT, 2 },
};

KUNIT_ARRAY_PARAM_DESC(stuck, stuck_cases, desc);

/* The state of a read, which is too large for the stack. */
struct stuck {
	struct kvec vec;
	struct iov_iter to;
	unsigned int copies;
};

static size_t copy_nothing(struct lkmdemo_message *msg, loff_t pos, size_t count,
			   struct iov_iter *to)
{
	struct stuck *stuck = kunit_get_current_test()->priv;

	stuck->copies++;

	return 0;
}

static void read_without_progress_ends(struct kunit *test)
{
	const struct stuck_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_file(test, CAPACITY, 17);
	struct stuck *stuck = lkmdemo_kunit_zalloc(test, sizeof(*stuck));
	loff_t pos = 3;

	stuck->vec.iov_base = lkmdemo_kunit_bytes(test, 10);
	stuck->vec.iov_len = 10;
	if (c->user)
		iov_iter_ubuf(&stuck->to, ITER_DEST, lkmdemo_kunit_user_pages(test, 1), 10);
	else
		iov_iter_kvec(&stuck->to, ITER_DEST, &stuck->vec, 1, 10);
	test->priv = stuck;
	kunit_activate_static_stub(test, lkmdemo_message_copy, copy_nothing);

	KUNIT_EXPECT_EQ(test, vfs_iter_read(file, &stuck->to, &pos, c->flags), -EFAULT);
	KUNIT_EXPECT_EQ(test, stuck->copies, c->copies);
	KUNIT_EXPECT_EQ(test, pos, 3);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&stuck->to), 10);
}

/*
 * The message takes these states in turn. Each generation has one state, so that
 * the bytes of a read show whether they belong to one generation.
 */
static const struct {
	size_t length;
	u8 byte;
} states[] = { { 0 }, { PAGE_SIZE, 'a' }, { 0 }, { 3000, 'b' } };

/* One thread writes, the others read from these positions. */
static const loff_t states_from[] = { -1, 0, 1, 3500 };

struct states_race {
	struct file *file;
	u8 bytes[ARRAY_SIZE(states_from)][PAGE_SIZE];
	u64 rounds;
	atomic_t mixed;
};

static void states_write(struct states_race *race, u8 *bytes)
{
	int i;

	for (i = 1; i < ARRAY_SIZE(states); i += 2) {
		memset(bytes, states[i].byte, states[i].length);
		lkmdemo_kunit_write_at(race->file, bytes, states[i].length, 0);
		lkmdemo_kunit_clear(race->file);
	}
	race->rounds++;
}

static void states_read(struct states_race *race, u8 *bytes, loff_t from)
{
	loff_t pos = from;
	ssize_t ret = kernel_read(race->file, bytes, PAGE_SIZE, &pos);
	int i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		if (ret == max_t(ssize_t, states[i].length - from, 0) &&
		    !memchr_inv(bytes, states[i].byte, ret))
			return;
	atomic_inc(&race->mixed);
}

static void states_step(void *data, unsigned int i)
{
	struct states_race *race = data;

	if (states_from[i] < 0)
		states_write(race, race->bytes[i]);
	else
		states_read(race, race->bytes[i], states_from[i]);
}

static void concurrent_reads_return_one_generation(struct kunit *test)
{
	struct states_race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));

	race->file = lkmdemo_kunit_file(test, PAGE_SIZE, 0);

	lkmdemo_kunit_race_on(test, ARRAY_SIZE(states_from), states_step, race);

	KUNIT_EXPECT_EQ(test, atomic_read(&race->mixed), 0);
	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_info(test, race->file).generation,
			1 + race->rounds * ARRAY_SIZE(states));
}

static struct kunit_case message_read_cases[] = {
	KUNIT_CASE_PARAM(read_bounds, bounds_gen_params),
	KUNIT_CASE_PARAM(read_segments, segments_gen_params),
	KUNIT_CASE(read_of_the_largest_message),
	KUNIT_CASE(reads_in_sequence_are_contiguous),
	KUNIT_CASE(read_does_not_change_the_message),
	KUNIT_CASE_PARAM(read_after_a_change_clears_epollpri, urgent_gen_params),
	KUNIT_CASE_PARAM(read_into_a_buffer_that_ends_in_a_fault, fault_gen_params),
	KUNIT_CASE_PARAM(read_into_a_segment_that_starts_with_a_fault, fault_gen_params),
	KUNIT_CASE(read_up_to_a_hole_is_complete),
	KUNIT_CASE_PARAM(read_into_a_hole, hole_gen_params),
	KUNIT_CASE_PARAM(read_into_pages_that_are_not_resident_is_complete,
			 resident_gen_params),
	KUNIT_CASE(reader_waits_for_its_page_without_the_lock),
	KUNIT_CASE(nowait_reader_does_not_wait_for_its_page),
	KUNIT_CASE_PARAM(read_without_progress_ends, stuck_gen_params),
	KUNIT_CASE(concurrent_reads_return_one_generation),
	{}
};

static struct kunit_suite message_read_suite = {
	.name = "lkmdemo_message_read",
	.suite_init = lkmdemo_kunit_suite_init,
	.suite_exit = lkmdemo_kunit_suite_exit,
	.test_cases = message_read_cases,
};

kunit_test_suite(message_read_suite);
