// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes to the message, and emptying it: bounds, gaps, appends, and nothing
 * changed after a failure.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "helpers.h"
#include "lkmdemo.h"

#define CAPACITY	64
#define LENGTH		16

static u8 *expected_bytes(struct kunit *test, size_t capacity, size_t length)
{
	u8 *bytes = lkmdemo_kunit_zalloc(test, PAGE_ALIGN(capacity));

	lkmdemo_kunit_fill(bytes, 0, length);

	return bytes;
}

/* The whole buffer counts: what mmap shows behind the length must be zero. */
static void expect_message(struct kunit *test, struct lkmdemo_message *msg,
			   const u8 *bytes, size_t length, u64 generation)
{
	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_length(msg), length);
	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_generation(msg), generation);
	KUNIT_EXPECT_EQ(test, memcmp(msg->data, bytes,
				     PAGE_ALIGN(msg->capacity)), 0);
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
	{ "0 bytes at capacity + 1", CAPACITY + 1, 0, -ENOSPC },
	{ "1 byte at capacity + 1", CAPACITY + 1, 1, -ENOSPC },
	{ "1 byte at a position over 32 bits", SZ_4G, 1, -ENOSPC },
	{ "0 bytes at LLONG_MAX", LLONG_MAX, 0, -ENOSPC },
	{ "1 byte at LLONG_MAX", LLONG_MAX, 1, -ENOSPC },
	{ "capacity bytes at LLONG_MAX", LLONG_MAX, CAPACITY, -ENOSPC },
	{ "SSIZE_MAX bytes at LLONG_MAX", LLONG_MAX, SSIZE_MAX, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(bounds, bounds_cases, desc);

static void write_bounds(struct kunit *test)
{
	const struct bounds_case *c = test->param_value;
	u8 *bytes = lkmdemo_kunit_bytes(test, CAPACITY + 1);
	size_t moved = max(c->ret, 0);
	struct lkmdemo_message *msg;
	loff_t pos = c->pos;
	size_t length = LENGTH;
	ssize_t ret;
	u8 *want;

	msg = lkmdemo_kunit_message(test, CAPACITY, LENGTH);
	want = expected_bytes(test, CAPACITY, LENGTH);
	if (moved) {
		memcpy(want + pos, bytes, moved);
		length = max_t(size_t, length, pos + moved);
	}

	ret = lkmdemo_kunit_write(msg, &pos, bytes, c->count, 0);

	KUNIT_EXPECT_EQ(test, ret, c->ret);
	KUNIT_EXPECT_EQ(test, pos, c->pos + moved);
	expect_message(test, msg, want, length, moved ? 2 : 1);
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
	{ "what just fits", LENGTH, CAPACITY - LENGTH, CAPACITY - LENGTH },
	{ "one byte more than fits", LENGTH, CAPACITY - LENGTH + 1, -ENOSPC },
	{ "to a full message", CAPACITY, 1, -ENOSPC },
	{ "nothing to some bytes", LENGTH, 0, 0 },
	{ "nothing to a full message", CAPACITY, 0, 0 },
	{ "more than any message holds", LENGTH, CAPACITY + 1, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(append, append_cases, desc);

static void append_goes_to_the_end(struct kunit *test)
{
	const struct append_case *c = test->param_value;
	size_t moved = max(c->ret, 0);
	/* No append looks at the position that it is given. */
	const loff_t before = CAPACITY + 3;
	u8 *bytes = lkmdemo_kunit_bytes(test, CAPACITY + 1);
	struct lkmdemo_message *msg;
	loff_t pos = before;
	u64 generation;
	ssize_t ret;
	u8 *want;

	msg = lkmdemo_kunit_message(test, CAPACITY, c->length);
	generation = lkmdemo_kunit_generation(msg);
	want = expected_bytes(test, CAPACITY, c->length);
	memcpy(want + c->length, bytes, moved);

	ret = lkmdemo_kunit_write(msg, &pos, bytes, c->count, IOCB_APPEND);

	KUNIT_EXPECT_EQ(test, ret, c->ret);
	KUNIT_EXPECT_EQ(test, pos, moved ? c->length + moved : before);
	expect_message(test, msg, want, c->length + moved,
		       generation + !!moved);
}

static void write_gathers_segments_in_order(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 0);
	struct kvec vec[] = {
		{ .iov_base = "one ", .iov_len = 4 },
		{ .iov_base = NULL, .iov_len = 0 },
		{ .iov_base = "two", .iov_len = 3 },
	};
	struct iov_iter from;
	loff_t pos = 0;

	iov_iter_kvec(&from, ITER_SOURCE, vec, ARRAY_SIZE(vec), 7);

	KUNIT_EXPECT_EQ(test, lkmdemo_message_write(msg, &pos, &from, 0), 7);
	KUNIT_EXPECT_MEMEQ(test, msg->data, "one two", 8);
}

static void write_nowait_stores_the_bytes(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 0);
	loff_t pos = 0;

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write(msg, &pos, "now", 3,
						  IOCB_NOWAIT), 3);
	KUNIT_EXPECT_MEMEQ(test, msg->data, "now", 4);
}

static void gap_reads_as_zeros(struct kunit *test)
{
	u8 *got = lkmdemo_kunit_bytes(test, LENGTH + 5);
	u8 *want = lkmdemo_kunit_zalloc(test, LENGTH + 5);
	struct lkmdemo_message *msg;
	loff_t pos = LENGTH + 4;
	u64 generation;

	msg = lkmdemo_kunit_message(test, CAPACITY, LENGTH);
	lkmdemo_kunit_fill(want, 0, LENGTH);
	want[LENGTH + 4] = 'w';

	lkmdemo_kunit_write(msg, &pos, "w", 1, 0);
	pos = 0;

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_read(msg, &pos, got, LENGTH + 5, 0,
						 &generation), LENGTH + 5);
	KUNIT_EXPECT_MEMEQ(test, got, want, LENGTH + 5);
}

struct capacity_case {
	const char *desc;
	size_t capacity;
};

static const struct capacity_case capacity_cases[] = {
	{ "one byte", 1 },
	{ "128 bytes", 128 },
	{ "129 bytes", 129 },
	{ "a page", PAGE_SIZE },
	{ "a page and a byte", PAGE_SIZE + 1 },
	{ "the largest", LKMDEMO_CAPACITY_MAX },
};

KUNIT_ARRAY_PARAM_DESC(capacity, capacity_cases, desc);

static void capacity_can_be_filled(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct lkmdemo_message *msg;

	msg = lkmdemo_kunit_message(test, c->capacity, c->capacity);

	expect_message(test, msg, expected_bytes(test, c->capacity, c->capacity),
		       c->capacity, 1);
}

static void capacity_cannot_be_exceeded(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct lkmdemo_message *msg;
	loff_t pos = c->capacity;

	msg = lkmdemo_kunit_message(test, c->capacity, c->capacity);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write(msg, &pos, "w", 1, 0),
			-ENOSPC);
	expect_message(test, msg, expected_bytes(test, c->capacity, c->capacity),
		       c->capacity, 1);
}

static void last_byte_can_be_written(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct lkmdemo_message *msg;
	loff_t pos = c->capacity - 1;
	u8 *want;

	msg = lkmdemo_kunit_message(test, c->capacity, 0);
	want = expected_bytes(test, c->capacity, 0);
	want[c->capacity - 1] = 'w';

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write(msg, &pos, "w", 1, 0), 1);
	expect_message(test, msg, want, c->capacity, 1);
}

static void clear_zeroes_the_buffer(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct lkmdemo_message *msg;

	msg = lkmdemo_kunit_message(test, c->capacity, c->capacity);

	lkmdemo_message_clear(msg);

	expect_message(test, msg, expected_bytes(test, c->capacity, 0), 0, 2);
}

static void clear_of_an_empty_message_changes_nothing(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 0);

	lkmdemo_message_clear(msg);

	expect_message(test, msg, expected_bytes(test, CAPACITY, 0), 0, 0);
}

static void clear_twice_is_one_change(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 1);

	lkmdemo_message_clear(msg);
	lkmdemo_message_clear(msg);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_generation(msg), 2);
}

static void gap_after_clear_shows_no_old_bytes(struct kunit *test)
{
	struct lkmdemo_message *msg;
	loff_t pos = CAPACITY - 1;
	u8 *want;

	msg = lkmdemo_kunit_message(test, CAPACITY, CAPACITY);
	want = expected_bytes(test, CAPACITY, 0);
	want[CAPACITY - 1] = 'w';

	lkmdemo_message_clear(msg);
	lkmdemo_kunit_write(msg, &pos, "w", 1, 0);

	expect_message(test, msg, want, CAPACITY, 3);
}

static void append_after_clear_starts_at_0(struct kunit *test)
{
	struct lkmdemo_message *msg;
	loff_t pos = 0;

	msg = lkmdemo_kunit_message(test, CAPACITY, LENGTH);

	lkmdemo_message_clear(msg);
	lkmdemo_kunit_write(msg, &pos, "w", 1, IOCB_APPEND);

	KUNIT_EXPECT_EQ(test, pos, 1);
}

struct fault_case {
	const char *desc;
	size_t good;
	size_t bad;
	loff_t pos;
	int flags;
};

/* Up to 128 bytes are gathered in one way, more in another. */
static const struct fault_case fault_cases[] = {
	{ "small, first byte", 0, 16, 0, 0 },
	{ "small, second half", 16, 16, 0, 0 },
	{ "small, last byte", 31, 1, 0, 0 },
	{ "small, at an offset", 16, 16, 10, 0 },
	{ "small, appended", 16, 16, 0, IOCB_APPEND },
	{ "128 bytes", 64, 64, 0, 0 },
	{ "129 bytes", 128, 1, 0, 0 },
	{ "large, first byte", 0, 2000, 0, 0 },
	{ "large, second half", 1000, 1000, 0, 0 },
	{ "large, last byte", 1999, 1, 0, 0 },
	{ "large, at an offset", 1000, 1000, 10, 0 },
	{ "large, appended", 1000, 1000, 0, IOCB_APPEND },
};

KUNIT_ARRAY_PARAM_DESC(fault, fault_cases, desc);

static void check_fault(struct kunit *test, char __user *hole,
			struct iov_iter *from)
{
	const struct fault_case *c = test->param_value;
	struct lkmdemo_message *msg;
	loff_t pos = c->pos;

	KUNIT_ASSERT_EQ(test, clear_user(hole - c->good, c->good), 0);
	msg = lkmdemo_kunit_message(test, PAGE_SIZE, LENGTH);

	KUNIT_EXPECT_EQ(test, lkmdemo_message_write(msg, &pos, from, c->flags),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, pos, c->pos);
	expect_message(test, msg, expected_bytes(test, PAGE_SIZE, LENGTH),
		       LENGTH, 1);
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

	iov_iter_init(&from, ITER_SOURCE, vec, ARRAY_SIZE(vec),
		      c->good + c->bad);
	check_fault(test, hole, &from);
}

static void write_from_a_faulting_buffer_changes_nothing(struct kunit *test)
{
	const struct fault_case *c = test->param_value;
	char __user *hole = lkmdemo_kunit_user_hole(test);

	check_fault(test, hole,
		    lkmdemo_kunit_user_iter(test, ITER_SOURCE, hole - c->good,
					    c->good + c->bad));
}

static void oversize_write_from_bad_memory_is_oversize(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 0);
	char __user *hole = lkmdemo_kunit_user_hole(test);
	struct iov_iter *from;
	loff_t pos = 0;

	from = lkmdemo_kunit_user_iter(test, ITER_SOURCE, hole, CAPACITY + 1);

	KUNIT_EXPECT_EQ(test, lkmdemo_message_write(msg, &pos, from, 0),
			-EINVAL);
}

struct user_case {
	const char *desc;
	size_t count;
	bool present;
};

static const struct user_case user_cases[] = {
	{ "small, present", 128, true },
	{ "small, absent", 128, false },
	{ "large, present", 2 * PAGE_SIZE, true },
	{ "large, absent", 2 * PAGE_SIZE, false },
};

KUNIT_ARRAY_PARAM_DESC(user, user_cases, desc);

static void write_from_user_pages_is_whole(struct kunit *test)
{
	const struct user_case *c = test->param_value;
	char __user *user = lkmdemo_kunit_user_pages(test, 2);
	size_t present = c->present ? c->count : 0;
	struct lkmdemo_message *msg;
	struct iov_iter *from;
	loff_t pos = 0;
	u8 *want;

	msg = lkmdemo_kunit_message(test, 2 * PAGE_SIZE, 0);
	/* Absent pages come as zeros. */
	want = expected_bytes(test, 2 * PAGE_SIZE, present);
	KUNIT_ASSERT_EQ(test, copy_to_user(user, want, present), 0);
	from = lkmdemo_kunit_user_iter(test, ITER_SOURCE, user, c->count);

	KUNIT_EXPECT_EQ(test, lkmdemo_message_write(msg, &pos, from, 0),
			c->count);
	expect_message(test, msg, want, c->count, 1);
}

struct slow_case {
	const char *desc;
	size_t count;
	unsigned int pages;
};

static const struct slow_case slow_cases[] = {
	{ "small", 100, 1 },
	{ "large", 2 * PAGE_SIZE, 2 },
};

KUNIT_ARRAY_PARAM_DESC(slow, slow_cases, desc);

static void slow_writer_holds_up_nobody(struct kunit *test)
{
	const struct slow_case *c = test->param_value;
	struct lkmdemo_message *msg;
	struct iov_iter *from;
	char __user *user;
	loff_t pos = 0;

	msg = lkmdemo_kunit_message(test, 2 * PAGE_SIZE, 0);
	user = lkmdemo_kunit_slow_pages(test, c->pages, msg);
	from = lkmdemo_kunit_user_iter(test, ITER_SOURCE, user, c->count);

	KUNIT_EXPECT_EQ(test, lkmdemo_message_write(msg, &pos, from, 0),
			c->count);
	/* One change for each page waited for, then that of the writer. */
	expect_message(test, msg, expected_bytes(test, 2 * PAGE_SIZE, 0),
		       c->count, c->pages + 1);
}

#define APPENDERS	8
#define RECORD		16
#define RECORDS		SZ_4K

struct append_race {
	struct lkmdemo_message *msg;
	size_t stored[APPENDERS];
	atomic_t misplaced;
};

static void append_until_full(void *data, unsigned int i)
{
	struct append_race *race = data;
	loff_t pos = 0;
	u8 record[RECORD];

	memset(record, 'A' + i, sizeof(record));
	while (lkmdemo_kunit_write(race->msg, &pos, record, RECORD,
				   IOCB_APPEND) == RECORD) {
		race->stored[i]++;
		if (memcmp(race->msg->data + pos - RECORD, record, RECORD))
			atomic_inc(&race->misplaced);
	}
}

/* Whether the message is full of whole records, as many of each as stored. */
static bool append_race_is_sound(struct append_race *race)
{
	size_t found[APPENDERS] = {};
	size_t i;

	for (i = 0; i < RECORDS * RECORD; i += RECORD) {
		const u8 *record = race->msg->data + i;
		unsigned int owner = *record - 'A';

		if (owner >= APPENDERS || memchr_inv(record, *record, RECORD))
			return false;
		found[owner]++;
	}

	return !memcmp(found, race->stored, sizeof(found));
}

static void concurrent_appends_lose_nothing(struct kunit *test)
{
	struct append_race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));
	unsigned long end = jiffies + HZ / 5;

	race->msg = lkmdemo_kunit_message(test, RECORDS * RECORD, 0);

	do {
		memset(race->stored, 0, sizeof(race->stored));
		lkmdemo_message_clear(race->msg);

		lkmdemo_kunit_race(test, APPENDERS, append_until_full, race);

		KUNIT_ASSERT_EQ(test, atomic_read(&race->misplaced), 0);
		KUNIT_ASSERT_EQ(test, lkmdemo_kunit_length(race->msg),
				RECORDS * RECORD);
		KUNIT_ASSERT_TRUE(test, append_race_is_sound(race));
	} while (time_before(jiffies, end));
}

#define OVERWRITERS	4
#define OVERWRITTEN	256

struct overwrite_race {
	struct lkmdemo_message *msg;
	u8 bytes[OVERWRITERS][OVERWRITTEN];
	atomic_t writes;
};

static void overwrite(void *data, unsigned int i)
{
	struct overwrite_race *race = data;
	loff_t pos = 0;

	memset(race->bytes[i], 'A' + i, OVERWRITTEN);
	lkmdemo_kunit_write(race->msg, &pos, race->bytes[i], OVERWRITTEN, 0);
	atomic_inc(&race->writes);
}

static void concurrent_writes_come_one_after_the_other(struct kunit *test)
{
	struct overwrite_race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));

	race->msg = lkmdemo_kunit_message(test, OVERWRITTEN, 0);

	lkmdemo_kunit_race_on(test, OVERWRITERS, overwrite, race);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_generation(race->msg),
			atomic_read(&race->writes));
	KUNIT_EXPECT_NULL(test, memchr_inv(race->msg->data, race->msg->data[0],
					   OVERWRITTEN));
}

static struct kunit_case message_write_cases[] = {
	KUNIT_CASE_PARAM(write_bounds, bounds_gen_params),
	KUNIT_CASE_PARAM(append_goes_to_the_end, append_gen_params),
	KUNIT_CASE(write_gathers_segments_in_order),
	KUNIT_CASE(write_nowait_stores_the_bytes),
	KUNIT_CASE(gap_reads_as_zeros),
	KUNIT_CASE_PARAM(capacity_can_be_filled, capacity_gen_params),
	KUNIT_CASE_PARAM(capacity_cannot_be_exceeded, capacity_gen_params),
	KUNIT_CASE_PARAM(last_byte_can_be_written, capacity_gen_params),
	KUNIT_CASE_PARAM(clear_zeroes_the_buffer, capacity_gen_params),
	KUNIT_CASE(clear_of_an_empty_message_changes_nothing),
	KUNIT_CASE(clear_twice_is_one_change),
	KUNIT_CASE(gap_after_clear_shows_no_old_bytes),
	KUNIT_CASE(append_after_clear_starts_at_0),
	KUNIT_CASE_PARAM(write_from_a_faulting_segment_changes_nothing,
			 fault_gen_params),
	KUNIT_CASE_PARAM(write_from_a_faulting_buffer_changes_nothing,
			 fault_gen_params),
	KUNIT_CASE(oversize_write_from_bad_memory_is_oversize),
	KUNIT_CASE_PARAM(write_from_user_pages_is_whole, user_gen_params),
	KUNIT_CASE_PARAM(slow_writer_holds_up_nobody, slow_gen_params),
	KUNIT_CASE(concurrent_appends_lose_nothing),
	KUNIT_CASE(concurrent_writes_come_one_after_the_other),
	{}
};

static struct kunit_suite message_write_suite = {
	.name = "lkmdemo_message_write",
	.test_cases = message_write_cases,
};

kunit_test_suite(message_write_suite);
