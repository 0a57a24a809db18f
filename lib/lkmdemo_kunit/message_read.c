// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads of the message: offsets, segments, faults, and writers meanwhile.
 */
#include <kunit/test.h>
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
	{ "last byte, more asked", 17, 16, CAPACITY, 1 },
	{ "at the end", 17, 17, 1, 0 },
	{ "one past the end", 17, 18, 1, 0 },
	{ "last byte of the buffer, past the end", 17, CAPACITY - 1, 1, 0 },
	{ "at the capacity", 17, CAPACITY, 1, 0 },
	{ "past the capacity", 17, CAPACITY + 1, 1, 0 },
	{ "position over 32 bits", 17, SZ_4G + 3, 5, 0 },
	{ "position of LLONG_MAX", 17, LLONG_MAX, 5, 0 },
	{ "position and count at their most", 17, LLONG_MAX, SSIZE_MAX, 0 },
	{ "zero count at the start", 17, 0, 0, 0 },
	{ "zero count in the middle", 17, 6, 0, 0 },
	{ "zero count at the end", 17, 17, 0, 0 },
	{ "count of SSIZE_MAX at the start", 17, 0, SSIZE_MAX, 17 },
	{ "count of SSIZE_MAX in the middle", 17, 6, SSIZE_MAX, 11 },
	{ "count of SSIZE_MAX at the end", 17, 17, SSIZE_MAX, 0 },
	{ "empty message", 0, 0, 5, 0 },
	{ "empty message, past the end", 0, 1, 5, 0 },
	{ "full message", CAPACITY, 0, CAPACITY, CAPACITY },
	{ "full message, one byte more asked", CAPACITY, 0, CAPACITY + 1,
	  CAPACITY },
	{ "full message, last byte", CAPACITY, CAPACITY - 1, 2, 1 },
	{ "full message, at the end", CAPACITY, CAPACITY, 1, 0 },
};

KUNIT_ARRAY_PARAM_DESC(bounds, bounds_cases, desc);

static void read_bounds(struct kunit *test)
{
	const struct bounds_case *c = test->param_value;
	u8 *got = lkmdemo_kunit_bytes(test, CAPACITY);
	u8 *want = lkmdemo_kunit_bytes(test, CAPACITY);
	struct lkmdemo_message *msg;
	loff_t pos = c->pos;
	u64 generation;
	ssize_t ret;

	msg = lkmdemo_kunit_message(test, CAPACITY, c->length);
	lkmdemo_kunit_fill(want, c->pos, c->ret);

	ret = lkmdemo_kunit_read(msg, &pos, got, c->count, 0, &generation);

	KUNIT_EXPECT_EQ(test, ret, c->ret);
	KUNIT_EXPECT_EQ(test, pos, c->pos + c->ret);
	KUNIT_EXPECT_MEMEQ(test, got, want, CAPACITY);
}

/* Segments stand this far apart, the last one first in memory. */
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
	{ "an empty one in between", { 3, 0, 4 }, 2, 7 },
	{ "an empty one first", { 0, 5 }, 2, 5 },
	{ "message ends with the first", { 7, 5 }, 10, 7 },
	{ "message ends in the second", { 4, 8, 5 }, 10, 7 },
	{ "more than the message", { 16, 16, 16, 16 }, 0, 17 },
	{ "at the end", { 4, 5 }, 17, 0 },
};

KUNIT_ARRAY_PARAM_DESC(segments, segments_cases, desc);

/* An iterator over the segments of the case in got; want is what they get. */
static noinline_for_stack struct iov_iter *
segments_iter(struct kunit *test, u8 *got, u8 *want)
{
	const struct segments_case *c = test->param_value;
	struct kvec *vec = lkmdemo_kunit_zalloc(test, SEGMENTS * sizeof(*vec));
	struct iov_iter *to = lkmdemo_kunit_zalloc(test, sizeof(*to));
	size_t offset = 0, room = 0;
	int i;

	for (i = 0; i < SEGMENTS; i++) {
		size_t n = min_t(size_t, c->segments[i], c->ret - offset);
		size_t place = (SEGMENTS - 1 - i) * SEGMENT_ROOM;

		lkmdemo_kunit_fill(want + place, c->pos + offset, n);
		offset += n;
		vec[i].iov_base = got + place;
		vec[i].iov_len = c->segments[i];
		room += c->segments[i];
	}
	iov_iter_kvec(to, ITER_DEST, vec, SEGMENTS, room);

	return to;
}

static void read_segments(struct kunit *test)
{
	const struct segments_case *c = test->param_value;
	u8 *got = lkmdemo_kunit_bytes(test, SEGMENTS * SEGMENT_ROOM);
	u8 *want = lkmdemo_kunit_bytes(test, SEGMENTS * SEGMENT_ROOM);
	struct lkmdemo_message *msg;
	loff_t pos = c->pos;
	struct iov_iter *to;
	u64 generation;
	ssize_t ret;

	msg = lkmdemo_kunit_message(test, CAPACITY, 17);
	to = segments_iter(test, got, want);

	ret = lkmdemo_message_read(msg, &pos, to, 0, &generation);

	KUNIT_EXPECT_EQ(test, ret, c->ret);
	KUNIT_EXPECT_EQ(test, pos, c->pos + c->ret);
	KUNIT_EXPECT_MEMEQ(test, got, want, SEGMENTS * SEGMENT_ROOM);
}

static void read_leaves_the_rest_in_the_iterator(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 17);
	u8 *got = lkmdemo_kunit_bytes(test, CAPACITY);
	struct iov_iter *to = lkmdemo_kunit_iter(test, ITER_DEST, got, CAPACITY);
	loff_t pos = 0;
	u64 generation;

	lkmdemo_message_read(msg, &pos, to, 0, &generation);

	KUNIT_EXPECT_EQ(test, iov_iter_count(to), CAPACITY - 17);
}

static void read_of_the_largest_message(struct kunit *test)
{
	u8 *got = lkmdemo_kunit_bytes(test, LKMDEMO_CAPACITY_MAX);
	u8 *want = lkmdemo_kunit_bytes(test, LKMDEMO_CAPACITY_MAX);
	struct lkmdemo_message *msg;
	u64 generation;
	loff_t pos = 0;
	ssize_t ret;

	msg = lkmdemo_kunit_message(test, LKMDEMO_CAPACITY_MAX,
				    LKMDEMO_CAPACITY_MAX);
	lkmdemo_kunit_fill(want, 0, LKMDEMO_CAPACITY_MAX);

	ret = lkmdemo_kunit_read(msg, &pos, got, LKMDEMO_CAPACITY_MAX, 0,
				 &generation);

	KUNIT_EXPECT_EQ(test, ret, LKMDEMO_CAPACITY_MAX);
	KUNIT_EXPECT_EQ(test, memcmp(got, want, LKMDEMO_CAPACITY_MAX), 0);
}

static void reads_in_sequence_join_up(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 17);
	u8 *got = lkmdemo_kunit_bytes(test, 17);
	u8 *want = lkmdemo_kunit_bytes(test, 17);
	u64 generation;
	loff_t pos = 0;

	lkmdemo_kunit_fill(want, 0, 17);

	lkmdemo_kunit_read(msg, &pos, got, 5, 0, &generation);
	lkmdemo_kunit_read(msg, &pos, got + 5, 1, 0, &generation);
	lkmdemo_kunit_read(msg, &pos, got + 6, 11, 0, &generation);

	KUNIT_EXPECT_MEMEQ(test, got, want, 17);
}

static void read_tells_the_generation_of_the_bytes(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 17);
	u64 generation = 0;
	loff_t pos = 0;
	u8 byte;

	lkmdemo_kunit_write(msg, &pos, "two", 3, 0);
	lkmdemo_kunit_write(msg, &pos, "three", 5, 0);
	pos = 0;

	lkmdemo_kunit_read(msg, &pos, &byte, 1, 0, &generation);

	KUNIT_EXPECT_EQ(test, generation, 3);
}

static void read_at_the_end_tells_the_generation(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 17);
	u64 generation = 0;
	loff_t pos = 17;
	u8 byte;

	lkmdemo_kunit_read(msg, &pos, &byte, 1, 0, &generation);

	KUNIT_EXPECT_EQ(test, generation, 1);
}

static void read_changes_nothing(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 17);
	u8 *got = lkmdemo_kunit_bytes(test, 17);
	u8 *want = lkmdemo_kunit_zalloc(test, CAPACITY);
	u64 generation;
	loff_t pos = 0;

	lkmdemo_kunit_fill(want, 0, 17);

	lkmdemo_kunit_read(msg, &pos, got, 17, 0, &generation);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_generation(msg), 1);
	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_length(msg), 17);
	KUNIT_EXPECT_MEMEQ(test, msg->data, want, CAPACITY);
}

static void read_nowait_gives_the_bytes(struct kunit *test)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_message(test, CAPACITY, 17);
	u8 *got = lkmdemo_kunit_bytes(test, 11);
	u8 *want = lkmdemo_kunit_bytes(test, 11);
	u64 generation;
	loff_t pos = 6;

	lkmdemo_kunit_fill(want, 6, 11);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_read(msg, &pos, got, CAPACITY,
						 IOCB_NOWAIT, &generation), 11);
	KUNIT_EXPECT_MEMEQ(test, got, want, 11);
}

struct fault_case {
	const char *desc;
	size_t good;
	size_t bad;
	loff_t pos;
	ssize_t ret;
};

/* The message has 200 bytes. */
static const struct fault_case fault_cases[] = {
	{ "first byte", 0, 10, 0, -EFAULT },
	{ "first byte, from the middle", 0, 10, 50, -EFAULT },
	{ "second byte", 1, 10, 0, 1 },
	{ "half way", 100, 100, 0, 100 },
	{ "half way, from the middle", 64, 64, 50, 64 },
	{ "last byte", 199, 1, 0, 199 },
	{ "behind the last byte", 200, 10, 0, 200 },
	{ "room of no bytes", 0, 0, 0, 0 },
	{ "at the end of the message", 0, 10, 200, 0 },
};

KUNIT_ARRAY_PARAM_DESC(fault, fault_cases, desc);

static void expect_user_bytes(struct kunit *test, char __user *user,
			      const u8 *want, size_t count)
{
	u8 *got = lkmdemo_kunit_bytes(test, count);

	KUNIT_EXPECT_EQ(test, copy_from_user(got, user, count), 0);
	KUNIT_EXPECT_EQ(test, memcmp(got, want, count), 0);
}

static void check_fault(struct kunit *test, char __user *hole,
			struct iov_iter *to)
{
	const struct fault_case *c = test->param_value;
	ssize_t moved = max_t(ssize_t, c->ret, 0);
	u8 *want = lkmdemo_kunit_bytes(test, 200);
	struct lkmdemo_message *msg;
	loff_t pos = c->pos;
	u64 generation;
	ssize_t ret;

	msg = lkmdemo_kunit_message(test, 256, 200);
	lkmdemo_kunit_fill(want, c->pos, moved);

	ret = lkmdemo_message_read(msg, &pos, to, 0, &generation);

	KUNIT_EXPECT_EQ(test, ret, c->ret);
	KUNIT_EXPECT_EQ(test, pos, c->pos + moved);
	expect_user_bytes(test, hole - c->good, want, moved);
}

static void read_into_a_faulting_segment(struct kunit *test)
{
	const struct fault_case *c = test->param_value;
	char __user *hole = lkmdemo_kunit_user_hole(test);
	struct iovec vec[] = {
		{ .iov_base = hole - c->good, .iov_len = c->good },
		{ .iov_base = hole, .iov_len = c->bad },
	};
	struct iov_iter to;

	iov_iter_init(&to, ITER_DEST, vec, ARRAY_SIZE(vec), c->good + c->bad);
	check_fault(test, hole, &to);
}

static void read_into_a_faulting_buffer(struct kunit *test)
{
	const struct fault_case *c = test->param_value;
	char __user *hole = lkmdemo_kunit_user_hole(test);

	check_fault(test, hole,
		    lkmdemo_kunit_user_iter(test, ITER_DEST, hole - c->good,
					    c->good + c->bad));
}

struct absent_case {
	const char *desc;
	bool present[2];
	int flags;
};

static const struct absent_case absent_cases[] = {
	{ "no page present", { false, false } },
	{ "first page present", { true, false } },
	{ "second page present", { false, true } },
	{ "both pages present", { true, true } },
	{ "no page present, IOCB_NOWAIT", { false, false }, IOCB_NOWAIT },
};

KUNIT_ARRAY_PARAM_DESC(absent, absent_cases, desc);

static void read_into_absent_pages_is_whole(struct kunit *test)
{
	const struct absent_case *c = test->param_value;
	char __user *user = lkmdemo_kunit_user_pages(test, 2);
	size_t count = 2 * PAGE_SIZE;
	struct lkmdemo_message *msg;
	u64 generation = 0;
	struct iov_iter *to;
	loff_t pos = 0;
	ssize_t ret;
	u8 *want;
	int i;

	msg = lkmdemo_kunit_message(test, count, count);
	want = lkmdemo_kunit_bytes(test, count);
	lkmdemo_kunit_fill(want, 0, count);
	for (i = 0; i < 2; i++)
		if (c->present[i])
			KUNIT_ASSERT_EQ(test, clear_user(user + i * PAGE_SIZE,
							 PAGE_SIZE), 0);
	to = lkmdemo_kunit_user_iter(test, ITER_DEST, user, count);

	ret = lkmdemo_message_read(msg, &pos, to, c->flags, &generation);

	KUNIT_EXPECT_EQ(test, ret, count);
	KUNIT_EXPECT_EQ(test, pos, count);
	KUNIT_EXPECT_EQ(test, generation, 1);
	expect_user_bytes(test, user, want, count);
}

static void slow_reader_holds_up_no_writer(struct kunit *test)
{
	u8 *want = lkmdemo_kunit_bytes(test, 100);
	struct lkmdemo_message *msg;
	u64 generation = 0;
	struct iov_iter *to;
	char __user *user;
	loff_t pos = 0;

	msg = lkmdemo_kunit_message(test, 100, 100);
	user = lkmdemo_kunit_slow_pages(test, 1, msg);
	lkmdemo_kunit_fill(want, 0, 100);
	to = lkmdemo_kunit_user_iter(test, ITER_DEST, user, 100);

	KUNIT_EXPECT_EQ(test, lkmdemo_message_read(msg, &pos, to, 0,
						   &generation), 100);
	KUNIT_EXPECT_MEMEQ(test, msg->data, "meanwhile", 9);
	expect_user_bytes(test, user, want, 100);
	KUNIT_EXPECT_EQ(test, generation, 1);
}

/*
 * The message goes round these states, one a generation, so that the
 * generation tells what a reader must have seen.
 */
static const struct {
	size_t length;
	u8 byte;
} states[] = { { 0 }, { PAGE_SIZE, 'a' }, { 0 }, { 3000, 'b' } };

/* One thread writes, the others read from these positions. */
static const loff_t states_from[] = { -1, 0, 1, 3500 };

struct states_race {
	struct lkmdemo_message *msg;
	u8 bytes[ARRAY_SIZE(states_from)][PAGE_SIZE];
	u64 rounds;
	atomic_t mixed;
};

static void states_write(struct states_race *race, u8 *bytes)
{
	loff_t pos;
	int i;

	for (i = 1; i < ARRAY_SIZE(states); i += 2) {
		pos = 0;
		memset(bytes, states[i].byte, states[i].length);
		lkmdemo_kunit_write(race->msg, &pos, bytes, states[i].length,
				    0);
		lkmdemo_message_clear(race->msg);
	}
	race->rounds++;
}

static void states_read(struct states_race *race, u8 *bytes, loff_t from)
{
	u64 generation = 0;
	loff_t pos = from;
	ssize_t ret, want;

	ret = lkmdemo_kunit_read(race->msg, &pos, bytes, PAGE_SIZE, 0,
				 &generation);
	generation %= ARRAY_SIZE(states);
	want = max_t(ssize_t, states[generation].length - from, 0);
	if (ret != want || memchr_inv(bytes, states[generation].byte, want))
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

static void read_never_sees_part_of_a_write(struct kunit *test)
{
	struct states_race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));

	race->msg = lkmdemo_kunit_message(test, PAGE_SIZE, 0);

	lkmdemo_kunit_race_on(test, ARRAY_SIZE(states_from), states_step, race);

	KUNIT_EXPECT_EQ(test, atomic_read(&race->mixed), 0);
	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_generation(race->msg),
			race->rounds * ARRAY_SIZE(states));
}

static struct kunit_case message_read_cases[] = {
	KUNIT_CASE_PARAM(read_bounds, bounds_gen_params),
	KUNIT_CASE_PARAM(read_segments, segments_gen_params),
	KUNIT_CASE(read_leaves_the_rest_in_the_iterator),
	KUNIT_CASE(read_of_the_largest_message),
	KUNIT_CASE(reads_in_sequence_join_up),
	KUNIT_CASE(read_tells_the_generation_of_the_bytes),
	KUNIT_CASE(read_at_the_end_tells_the_generation),
	KUNIT_CASE(read_changes_nothing),
	KUNIT_CASE(read_nowait_gives_the_bytes),
	KUNIT_CASE_PARAM(read_into_a_faulting_segment, fault_gen_params),
	KUNIT_CASE_PARAM(read_into_a_faulting_buffer, fault_gen_params),
	KUNIT_CASE_PARAM(read_into_absent_pages_is_whole, absent_gen_params),
	KUNIT_CASE(slow_reader_holds_up_no_writer),
	KUNIT_CASE(read_never_sees_part_of_a_write),
	{}
};

static struct kunit_suite message_read_suite = {
	.name = "lkmdemo_message_read",
	.test_cases = message_read_cases,
};

kunit_test_suite(message_read_suite);
