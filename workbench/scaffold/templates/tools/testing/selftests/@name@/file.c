// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open, read, write and seek.
 */
#include <string.h>
#include <sys/wait.h>

#include "device.h"

/* Expect the device to contain these bytes, and no others. */
#define EXPECT_BYTES(expected, count) do {						\
	char _seen[CAPACITY + 1];							\
	long _count = (count);								\
											\
	EXPECT_EQ(_count, RESULT(pread(self->fd, _seen, sizeof(_seen), 0)));		\
	EXPECT_EQ(0, memcmp(expected, _seen, _count));					\
} while (0)

TEST_F(device, reads_what_was_written)
{
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	EXPECT_EQ(1, RESULT(pwrite(self->fd, "a", 1, 1)));
	EXPECT_BYTES("hallo", 5);
}

TEST_F(device, ends_after_the_last_byte)
{
	char byte;

	EXPECT_EQ(0, RESULT(read(self->fd, &byte, 1)));
	EXPECT_EQ(1, RESULT(write(self->fd, "x", 1)));
	EXPECT_EQ(0, RESULT(read(self->fd, &byte, 1)));
	EXPECT_EQ(0, RESULT(pread(self->fd, &byte, 1, CAPACITY)));
}

TEST_F(device, moves_the_position)
{
	char bytes[2];

	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	EXPECT_EQ(5, RESULT(lseek(self->fd, 0, SEEK_CUR)));
	EXPECT_EQ(1, RESULT(lseek(self->fd, -4, SEEK_END)));
	EXPECT_EQ(2, RESULT(read(self->fd, bytes, sizeof(bytes))));
	EXPECT_EQ(0, memcmp("el", bytes, 2));
	EXPECT_EQ(3, RESULT(lseek(self->fd, 0, SEEK_CUR)));
	EXPECT_EQ(CAPACITY, RESULT(lseek(self->fd, CAPACITY, SEEK_SET)));
	EXPECT_EQ(-EINVAL, RESULT(lseek(self->fd, 1, SEEK_CUR)));
	EXPECT_EQ(-EINVAL, RESULT(lseek(self->fd, -1, SEEK_SET)));
	EXPECT_EQ(CAPACITY, RESULT(lseek(self->fd, 0, SEEK_CUR)));
}

TEST_F(device, stores_what_fits)
{
	static char bytes[CAPACITY + 1];

	EXPECT_EQ(CAPACITY, RESULT(write(self->fd, bytes, sizeof(bytes))));
	EXPECT_EQ(-ENOSPC, RESULT(write(self->fd, bytes, 1)));
	EXPECT_EQ(0, RESULT(write(self->fd, bytes, 0)));
	EXPECT_BYTES(bytes, CAPACITY);
}

TEST_F(device, a_gap_reads_as_zeros)
{
	EXPECT_EQ(1, RESULT(pwrite(self->fd, "x", 1, 2)));
	EXPECT_BYTES("\0\0x", 3);
}

TEST_F(device, appends_at_the_end)
{
	EXPECT_EQ(2, RESULT(write(self->fd, "ab", 2)));
	ASSERT_EQ(0, RESULT(fcntl(self->fd, F_SETFL, O_APPEND)));
	EXPECT_EQ(2, RESULT(pwrite(self->fd, "cd", 2, 0)));
	EXPECT_BYTES("abcd", 4);
}

TEST_F(device, a_fault_has_no_effect)
{
	EXPECT_EQ(2, RESULT(write(self->fd, "ab", 2)));
	EXPECT_EQ(-EFAULT, RESULT(write(self->fd, no_access(), 2)));
	EXPECT_EQ(2, RESULT(lseek(self->fd, 0, SEEK_CUR)));
	EXPECT_EQ(0, RESULT(lseek(self->fd, 0, SEEK_SET)));
	EXPECT_EQ(-EFAULT, RESULT(read(self->fd, no_access(), 2)));
	EXPECT_EQ(0, RESULT(lseek(self->fd, 0, SEEK_CUR)));
	EXPECT_BYTES("ab", 2);
}

TEST_F(device, one_process_has_it_open)
{
	EXPECT_EQ(-EBUSY, RESULT(open(DEVICE, O_RDONLY | O_CLOEXEC)));
	close(self->fd);
	self->fd = RESULT(open(DEVICE, O_RDONLY | O_CLOEXEC));
	EXPECT_LE(0, self->fd);
}

TEST_F(device, a_child_keeps_it_open)
{
	int status, pipes[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(pipes));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(pipes[1]);
		/* Ends when the parent closes the pipe. */
		_exit(read(pipes[0], &byte, 1));
	}
	close(self->fd);
	EXPECT_EQ(-EBUSY, RESULT(open(DEVICE, O_RDONLY | O_CLOEXEC)));
	close(pipes[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	self->fd = RESULT(open(DEVICE, O_RDONLY | O_CLOEXEC));
	EXPECT_LE(0, self->fd);
}

TEST_F(device, o_trunc_empties_it)
{
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	close(self->fd);
	EXPECT_EQ(-EINVAL, RESULT(open(DEVICE, O_RDWR | O_TRUNC | O_DIRECT)));
	self->fd = RESULT(open(DEVICE, O_RDWR));
	ASSERT_LE(0, self->fd);
	EXPECT_BYTES("hello", 5);
	close(self->fd);
	self->fd = RESULT(open(DEVICE, O_RDWR | O_TRUNC));
	ASSERT_LE(0, self->fd);
	EXPECT_BYTES("", 0);
}

TEST_HARNESS_MAIN
