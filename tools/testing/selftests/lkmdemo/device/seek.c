// SPDX-License-Identifier: GPL-2.0-only
/*
 * llseek of /dev/lkmdemo: from 0 to the capacity, else EINVAL.
 */
#include <limits.h>

#include "device.h"

/* Where the position is before each seek. */
#define START	7

FIXTURE(seek) {
	int fd;
};

FIXTURE_VARIANT(seek) {
	off_t offset;
	int whence;
	off_t result;
};

FIXTURE_VARIANT_ADD(seek, set_zero) { 0, SEEK_SET, 0 };
FIXTURE_VARIANT_ADD(seek, set_past_length) { GREETING_LENGTH + 1, SEEK_SET, GREETING_LENGTH + 1 };
FIXTURE_VARIANT_ADD(seek, set_capacity) { CAPACITY, SEEK_SET, CAPACITY };
FIXTURE_VARIANT_ADD(seek, set_past_capacity) { CAPACITY + 1, SEEK_SET, -EINVAL };
FIXTURE_VARIANT_ADD(seek, set_negative) { -1, SEEK_SET, -EINVAL };
FIXTURE_VARIANT_ADD(seek, set_max) { LLONG_MAX, SEEK_SET, -EINVAL };
FIXTURE_VARIANT_ADD(seek, set_min) { LLONG_MIN, SEEK_SET, -EINVAL };
FIXTURE_VARIANT_ADD(seek, cur_zero) { 0, SEEK_CUR, START };
FIXTURE_VARIANT_ADD(seek, cur_forward) { 1, SEEK_CUR, START + 1 };
FIXTURE_VARIANT_ADD(seek, cur_back_to_zero) { -START, SEEK_CUR, 0 };
FIXTURE_VARIANT_ADD(seek, cur_to_capacity) { CAPACITY - START, SEEK_CUR, CAPACITY };
FIXTURE_VARIANT_ADD(seek, cur_past_capacity) { CAPACITY - START + 1, SEEK_CUR, -EINVAL };
FIXTURE_VARIANT_ADD(seek, cur_to_negative) { -START - 1, SEEK_CUR, -EINVAL };
FIXTURE_VARIANT_ADD(seek, cur_overflow) { LLONG_MAX, SEEK_CUR, -EINVAL };
FIXTURE_VARIANT_ADD(seek, end_zero) { 0, SEEK_END, GREETING_LENGTH };
FIXTURE_VARIANT_ADD(seek, end_back) { -1, SEEK_END, GREETING_LENGTH - 1 };
FIXTURE_VARIANT_ADD(seek, end_back_to_zero) { -GREETING_LENGTH, SEEK_END, 0 };
FIXTURE_VARIANT_ADD(seek, end_to_capacity) { CAPACITY - GREETING_LENGTH, SEEK_END, CAPACITY };
FIXTURE_VARIANT_ADD(seek, end_past_capacity) { CAPACITY - GREETING_LENGTH + 1, SEEK_END, -EINVAL };
FIXTURE_VARIANT_ADD(seek, end_to_negative) { -GREETING_LENGTH - 1, SEEK_END, -EINVAL };
FIXTURE_VARIANT_ADD(seek, end_overflow) { LLONG_MAX, SEEK_END, -EINVAL };
FIXTURE_VARIANT_ADD(seek, seek_data) { 0, SEEK_DATA, -EINVAL };
FIXTURE_VARIANT_ADD(seek, seek_hole) { 0, SEEK_HOLE, -EINVAL };
FIXTURE_VARIANT_ADD(seek, no_such_whence) { 0, 99, -EINVAL };
FIXTURE_VARIANT_ADD(seek, negative_whence) { 0, -1, -EINVAL };

FIXTURE_SETUP(seek)
{
	setup_device(_metadata, "");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(START, lseek(self->fd, START, SEEK_SET));
}

FIXTURE_TEARDOWN_PARENT(seek)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(seek, moves_the_position_or_is_refused)
{
	EXPECT_EQ(variant->result, RESULT(lseek(self->fd, variant->offset, variant->whence)));
	EXPECT_POSITION(self->fd, variant->result < 0 ? START : variant->result);
}

FIXTURE(end) {
	int fd;
};

FIXTURE_SETUP(end)
{
	setup_device(_metadata, "");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(end)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(end, follows_the_length)
{
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 99));

	EXPECT_EQ(100, lseek(self->fd, 0, SEEK_END));
}

TEST_F(end, a_seek_past_the_length_adds_nothing)
{
	ASSERT_EQ(CAPACITY, lseek(self->fd, CAPACITY, SEEK_SET));

	EXPECT_GREETING(self->fd);
}

TEST_F(end, read_starts_at_the_seek_position)
{
	char byte;

	ASSERT_EQ(6, lseek(self->fd, 6, SEEK_SET));

	ASSERT_EQ(1, read(self->fd, &byte, 1));
	EXPECT_EQ(GREETING[6], byte);
}

TEST_F(end, write_starts_at_the_seek_position)
{
	ASSERT_EQ(6, lseek(self->fd, 6, SEEK_SET));
	ASSERT_EQ(4, write(self->fd, "into", 4));

	EXPECT_MESSAGE(self->fd, "Hello into kernel\n", (ssize_t)GREETING_LENGTH);
}

TEST_HARNESS_MAIN
