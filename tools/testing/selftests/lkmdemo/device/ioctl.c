// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctls of /dev/lkmdemo, and the calls that change the generation.
 */
#include <stddef.h>
#include <sys/uio.h>

#include "device.h"

FIXTURE(ioctl) {
	int fd;
};

FIXTURE_SETUP(ioctl)
{
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(ioctl)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(ioctl, numbers_are_the_abi)
{
	EXPECT_EQ(0x8010ed00, LKMDEMO_IOC_GET_INFO);
	EXPECT_EQ(0x0000ed01, LKMDEMO_IOC_CLEAR);
	EXPECT_EQ(0, offsetof(struct lkmdemo_info, capacity));
	EXPECT_EQ(4, offsetof(struct lkmdemo_info, length));
	EXPECT_EQ(8, offsetof(struct lkmdemo_info, generation));
}

TEST_F(ioctl, get_info_returns_the_first_message)
{
	EXPECT_INFO(self->fd, CAPACITY, GREETING_LENGTH, 1);
}

TEST_F(ioctl, get_info_returns_the_last_write)
{
	ASSERT_EQ(2, pwrite(self->fd, "ok", 2, 98));

	EXPECT_INFO(self->fd, CAPACITY, 100, 2);
}

TEST_F(ioctl, get_info_needs_no_read_access)
{
	int fd = open_device(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_INFO(fd, CAPACITY, GREETING_LENGTH, 1);
}

TEST_F(ioctl, get_info_needs_no_write_access)
{
	int fd = open_device(O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_INFO(fd, CAPACITY, GREETING_LENGTH, 1);
}

TEST_F(ioctl, get_info_leaves_the_position)
{
	struct lkmdemo_info info;

	ASSERT_EQ(3, lseek(self->fd, 3, SEEK_SET));
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_GET_INFO, &info));

	EXPECT_POSITION(self->fd, 3);
}

TEST_F(ioctl, get_info_into_null_is_efault)
{
	EXPECT_EQ(-EFAULT, RESULT(ioctl(self->fd, LKMDEMO_IOC_GET_INFO, NULL)));
}

TEST_F(ioctl, get_info_into_memory_that_ends_early_is_efault)
{
	void *info = edge_buffer(sizeof(struct lkmdemo_info) - 1);

	EXPECT_EQ(-EFAULT, RESULT(ioctl(self->fd, LKMDEMO_IOC_GET_INFO, info)));
}

TEST_F(ioctl, get_info_into_read_only_memory_is_efault)
{
	void *page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(-EFAULT, RESULT(ioctl(self->fd, LKMDEMO_IOC_GET_INFO, page)));
}

TEST_F(ioctl, get_info_touches_no_byte_past_the_struct)
{
	struct {
		struct lkmdemo_info info;
		char after[8];
	} seen = { .after = "#######" };

	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_GET_INFO, &seen));

	EXPECT_STREQ("#######", seen.after);
}

TEST_F(ioctl, clear_empties_the_message)
{
	ASSERT_EQ(0, RESULT(ioctl(self->fd, LKMDEMO_IOC_CLEAR)));

	EXPECT_MESSAGE(self->fd, "", 0);
	EXPECT_INFO(self->fd, CAPACITY, 0, 2);
}

TEST_F(ioctl, clear_needs_no_read_access)
{
	int fd = open_device(O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, RESULT(ioctl(fd, LKMDEMO_IOC_CLEAR)));

	EXPECT_MESSAGE(self->fd, "", 0);
}

TEST_F(ioctl, clear_without_write_access_is_ebadf)
{
	int fd = open_device(O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, RESULT(ioctl(fd, LKMDEMO_IOC_CLEAR)));
	EXPECT_GREETING(fd);
	EXPECT_INFO(fd, CAPACITY, GREETING_LENGTH, 1);
}

TEST_F(ioctl, clear_ignores_its_argument)
{
	EXPECT_EQ(0, RESULT(ioctl(self->fd, LKMDEMO_IOC_CLEAR, edge_buffer(0))));
}

TEST_F(ioctl, clear_of_an_empty_message_is_no_change)
{
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));

	EXPECT_INFO(self->fd, CAPACITY, 0, 2);
}

TEST_F(ioctl, gap_after_clear_reads_as_zeros)
{
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 5));

	EXPECT_MESSAGE(self->fd, "\0\0\0\0\0x", 6);
}

TEST_F(ioctl, clear_leaves_the_position)
{
	ASSERT_EQ(3, lseek(self->fd, 3, SEEK_SET));
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	EXPECT_POSITION(self->fd, 3);

	ASSERT_EQ(1, write(self->fd, "x", 1));
	EXPECT_MESSAGE(self->fd, "\0\0\0x", 4);
}

TEST_F(ioctl, get_info_counts_every_change)
{
	struct lkmdemo_info info;
	int i;

	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(1, pwrite(self->fd, "x", 1, 0));

	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_GET_INFO, &info));
	EXPECT_EQ(first_generation + 101, info.generation);
}

FIXTURE(unknown_ioctl) {
	int fd;
};

FIXTURE_VARIANT(unknown_ioctl) {
	unsigned int cmd;
};

FIXTURE_VARIANT_ADD(unknown_ioctl, after_the_last) { _IO(LKMDEMO_IOC_MAGIC, 0x02) };
FIXTURE_VARIANT_ADD(unknown_ioctl, get_info_without_size) { _IO(LKMDEMO_IOC_MAGIC, 0x00) };
FIXTURE_VARIANT_ADD(unknown_ioctl, get_info_of_another_size) {
	_IOR(LKMDEMO_IOC_MAGIC, 0x00, __u32)
};

FIXTURE_VARIANT_ADD(unknown_ioctl, get_info_of_another_direction) {
	_IOW(LKMDEMO_IOC_MAGIC, 0x00, struct lkmdemo_info)
};

FIXTURE_VARIANT_ADD(unknown_ioctl, clear_with_a_size) { _IOW(LKMDEMO_IOC_MAGIC, 0x01, int) };
FIXTURE_VARIANT_ADD(unknown_ioctl, clear_of_another_magic) { _IO(0xEE, 0x01) };
FIXTURE_VARIANT_ADD(unknown_ioctl, zero) { 0 };
FIXTURE_VARIANT_ADD(unknown_ioctl, all_bits) { ~0U };
FIXTURE_VARIANT_ADD(unknown_ioctl, of_a_terminal) { TCGETS };
FIXTURE_VARIANT_ADD(unknown_ioctl, of_a_file) { FIONREAD };

FIXTURE_SETUP(unknown_ioctl)
{
	setup_device(_metadata, "");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(unknown_ioctl)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(unknown_ioctl, is_enotty_and_changes_nothing)
{
	char page[4096];

	EXPECT_EQ(-ENOTTY, RESULT(ioctl(self->fd, variant->cmd, page)));
	EXPECT_GREETING(self->fd);
}

/* The effect of a call on the generation. */
FIXTURE(generation) {
	int fd;
};

FIXTURE_VARIANT(generation) {
	ssize_t (*call)(int fd);
	ssize_t result;
	unsigned int step;
};

static ssize_t call_write(int fd)
{
	return RESULT(write(fd, "Jello", 5));
}

static ssize_t call_write_the_same(int fd)
{
	return RESULT(write(fd, GREETING, GREETING_LENGTH));
}

static ssize_t call_write_nothing(int fd)
{
	return RESULT(write(fd, "", 0));
}

static ssize_t call_writev(int fd)
{
	struct iovec iov[] = { { "one", 3 }, { "two", 3 } };

	return RESULT(writev(fd, iov, ARRAY_SIZE(iov)));
}

static ssize_t call_write_too_far(int fd)
{
	return RESULT(pwrite(fd, "x", 1, CAPACITY));
}

static ssize_t call_write_too_much(int fd)
{
	static char much[CAPACITY + 1];

	return RESULT(write(fd, much, sizeof(much)));
}

static ssize_t call_write_from_nowhere(int fd)
{
	return RESULT(write(fd, edge_buffer(0), 1));
}

static ssize_t call_read(int fd)
{
	char seen[CAPACITY];

	return RESULT(read(fd, seen, sizeof(seen)));
}

static ssize_t call_clear(int fd)
{
	return RESULT(ioctl(fd, LKMDEMO_IOC_CLEAR));
}

static ssize_t call_open_and_truncate(int fd)
{
	return open_device(O_RDWR | O_TRUNC) < 0;
}

static ssize_t call_open_read_only_and_truncate(int fd)
{
	return open_device(O_RDONLY | O_TRUNC) < 0;
}

FIXTURE_VARIANT_ADD(generation, write) { call_write, 5, 1 };
FIXTURE_VARIANT_ADD(generation, write_of_the_same) { call_write_the_same, GREETING_LENGTH, 1 };
FIXTURE_VARIANT_ADD(generation, write_of_nothing) { call_write_nothing, 0, 0 };
FIXTURE_VARIANT_ADD(generation, writev) { call_writev, 6, 1 };
FIXTURE_VARIANT_ADD(generation, write_too_far) { call_write_too_far, -ENOSPC, 0 };
FIXTURE_VARIANT_ADD(generation, write_too_much) { call_write_too_much, -EINVAL, 0 };
FIXTURE_VARIANT_ADD(generation, write_from_nowhere) { call_write_from_nowhere, -EFAULT, 0 };
FIXTURE_VARIANT_ADD(generation, read) { call_read, GREETING_LENGTH, 0 };
FIXTURE_VARIANT_ADD(generation, clear) { call_clear, 0, 1 };
FIXTURE_VARIANT_ADD(generation, open_and_truncate) { call_open_and_truncate, 0, 1 };
FIXTURE_VARIANT_ADD(generation, open_read_only_and_truncate) {
	call_open_read_only_and_truncate, 0, 0
};

FIXTURE_SETUP(generation)
{
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(generation)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(generation, increases_by_one_with_a_change)
{
	struct lkmdemo_info info;

	ASSERT_EQ(variant->result, variant->call(self->fd));

	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_GET_INFO, &info));
	EXPECT_EQ(first_generation + variant->step, info.generation);
}

TEST_HARNESS_MAIN
