// SPDX-License-Identifier: GPL-2.0-only
/*
 * splice, sendfile and copy_file_range, from /dev/lkmdemo and to it.
 */
#include <poll.h>
#include <stdio.h>
#include <sys/sendfile.h>

#include "device.h"

#define FULL	(64 * 1024)

FIXTURE(splice) {
	int fd;
	int pipe[2];
};

FIXTURE_SETUP(splice)
{
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
}

FIXTURE_TEARDOWN_PARENT(splice)
{
	EXPECT_EQ(0, modules_restore());
}

#define EXPECT_IN_PIPE(bytes, count) do {						\
	ssize_t _in = (count);								\
	char _seen[2 * CAPACITY];							\
											\
	EXPECT_EQ(_in ? _in : -EAGAIN, RESULT(read(self->pipe[0], _seen, sizeof(_seen))));	\
	EXPECT_EQ(0, memcmp(_seen, bytes, _in));					\
} while (0)

TEST_F(splice, out_gives_the_message_and_moves_the_position)
{
	ASSERT_EQ(GREETING_LENGTH,
		  RESULT(splice(self->fd, NULL, self->pipe[1], NULL, CAPACITY, 0)));

	EXPECT_POSITION(self->fd, GREETING_LENGTH);
	EXPECT_IN_PIPE(GREETING, GREETING_LENGTH);
}

TEST_F(splice, out_returns_at_most_the_count)
{
	ASSERT_EQ(5, RESULT(splice(self->fd, NULL, self->pipe[1], NULL, 5, 0)));

	EXPECT_POSITION(self->fd, 5);
	EXPECT_IN_PIPE("Hello", 5);
}

TEST_F(splice, out_at_an_offset_leaves_the_position)
{
	loff_t offset = 6;

	ASSERT_EQ(4, RESULT(splice(self->fd, &offset, self->pipe[1], NULL, 4, 0)));

	EXPECT_EQ(10, offset);
	EXPECT_POSITION(self->fd, 0);
	EXPECT_IN_PIPE("from", 4);
}

TEST_F(splice, out_at_the_end_is_nothing)
{
	loff_t offset = GREETING_LENGTH;

	EXPECT_EQ(0, RESULT(splice(self->fd, &offset, self->pipe[1], NULL, 1, 0)));
	EXPECT_IN_PIPE("", 0);
}

TEST_F(splice, out_of_a_write_only_descriptor_is_ebadf)
{
	int fd = open_device(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, RESULT(splice(fd, NULL, self->pipe[1], NULL, 1, 0)));
}

TEST_F(splice, out_counts_as_the_last_read_for_poll)
{
	struct pollfd pollfd = { .fd = self->fd, .events = POLLPRI };

	ASSERT_EQ(1, pwrite(self->fd, "J", 1, 0));
	ASSERT_EQ(1, poll(&pollfd, 1, 0));
	ASSERT_EQ(1, RESULT(splice(self->fd, NULL, self->pipe[1], NULL, 1, 0)));

	EXPECT_EQ(0, poll(&pollfd, 1, 0));
}

TEST_F(splice, out_gives_a_copy_that_later_writes_do_not_change)
{
	ASSERT_EQ(GREETING_LENGTH,
		  RESULT(splice(self->fd, NULL, self->pipe[1], NULL, CAPACITY, 0)));
	ASSERT_EQ(5, pwrite(self->fd, "Jelly", 5, 0));

	EXPECT_IN_PIPE(GREETING, GREETING_LENGTH);
}

TEST_F(splice, in_stores_at_the_position_and_moves_it)
{
	ASSERT_EQ(3, lseek(self->fd, 3, SEEK_SET));
	ASSERT_EQ(2, write(self->pipe[1], "py", 2));
	ASSERT_EQ(2, RESULT(splice(self->pipe[0], NULL, self->fd, NULL, CAPACITY, 0)));

	EXPECT_POSITION(self->fd, 5);
	EXPECT_MESSAGE(self->fd, "Helpy from kernel\n", GREETING_LENGTH);
}

TEST_F(splice, in_at_an_offset_leaves_the_position)
{
	loff_t offset = 3;

	ASSERT_EQ(2, write(self->pipe[1], "py", 2));
	ASSERT_EQ(2, RESULT(splice(self->pipe[0], NULL, self->fd, &offset, CAPACITY, 0)));

	EXPECT_EQ(5, offset);
	EXPECT_POSITION(self->fd, 0);
	EXPECT_MESSAGE(self->fd, "Helpy from kernel\n", GREETING_LENGTH);
}

TEST_F(splice, in_stores_at_most_the_count)
{
	ASSERT_EQ(5, write(self->pipe[1], "Jelly", 5));
	ASSERT_EQ(1, RESULT(splice(self->pipe[0], NULL, self->fd, NULL, 1, 0)));

	EXPECT_MESSAGE(self->fd, "Jello from kernel\n", GREETING_LENGTH);
	EXPECT_IN_PIPE("elly", 4);
}

TEST_F(splice, in_of_several_buffers_is_one_change)
{
	loff_t offset = GREETING_LENGTH;

	/* Each of these takes a buffer of the pipe. */
	ASSERT_EQ(5, RESULT(splice(self->fd, NULL, self->pipe[1], NULL, 5, 0)));
	ASSERT_EQ(5, RESULT(splice(self->fd, NULL, self->pipe[1], NULL, 5, 0)));
	ASSERT_EQ(10, RESULT(splice(self->pipe[0], NULL, self->fd, &offset, 10, 0)));

	EXPECT_MESSAGE(self->fd, GREETING "Hello from", GREETING_LENGTH + 10);
	EXPECT_INFO(self->fd, CAPACITY, GREETING_LENGTH + 10, 2);
}

TEST_F(splice, in_through_a_read_only_descriptor_is_ebadf)
{
	int fd = open_device(O_RDONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(1, write(self->pipe[1], "J", 1));

	EXPECT_EQ(-EBADF, RESULT(splice(self->pipe[0], NULL, fd, NULL, 1, 0)));
	EXPECT_GREETING(fd);
}

TEST_F(splice, in_past_the_capacity_is_enospc_and_stays_in_the_pipe)
{
	loff_t offset = CAPACITY - 1;

	ASSERT_EQ(2, write(self->pipe[1], "xy", 2));

	EXPECT_EQ(-ENOSPC, RESULT(splice(self->pipe[0], NULL, self->fd, &offset, 2, 0)));
	EXPECT_EQ(CAPACITY - 1, offset);
	EXPECT_GREETING(self->fd);
	EXPECT_IN_PIPE("xy", 2);
}

TEST_F(splice, in_of_more_than_capacity_is_einval_and_stays_in_the_pipe)
{
	static char much[CAPACITY + 1];

	memset(much, 'w', sizeof(much));
	ASSERT_EQ(sizeof(much), write(self->pipe[1], much, sizeof(much)));

	EXPECT_EQ(-EINVAL, RESULT(splice(self->pipe[0], NULL, self->fd, NULL,
					 sizeof(much), 0)));
	EXPECT_GREETING(self->fd);
	EXPECT_POSITION(self->fd, 0);
	EXPECT_IN_PIPE(much, sizeof(much));
}

TEST_F(splice, in_to_an_appending_descriptor_is_einval)
{
	int fd = open_device(O_WRONLY | O_APPEND);

	ASSERT_LE(0, fd);
	ASSERT_EQ(1, write(self->pipe[1], "x", 1));

	EXPECT_EQ(-EINVAL, RESULT(splice(self->pipe[0], NULL, fd, NULL, 1, 0)));
	EXPECT_GREETING(self->fd);
}

TEST_F(splice, from_the_device_to_itself_is_einval)
{
	EXPECT_EQ(-EINVAL, RESULT(splice(self->fd, NULL, self->fd, NULL, 1, 0)));
}

TEST_F(splice, copy_file_range_is_for_regular_files_and_einval)
{
	int file = memfd_create("copy", MFD_CLOEXEC);

	ASSERT_LE(0, file);
	ASSERT_EQ(4, write(file, "file", 4));

	EXPECT_EQ(-EINVAL, RESULT(copy_file_range(self->fd, NULL, file, NULL, 4, 0)));
	EXPECT_EQ(-EINVAL, RESULT(copy_file_range(file, NULL, self->fd, NULL, 4, 0)));
	EXPECT_GREETING(self->fd);
}

/* A message of 64 KiB, as much as a pipe takes by default, and smaller pipes. */
FIXTURE(large_splice) {
	int fd, file;
	int pipe[2];
	char *bytes;
};

FIXTURE_SETUP(large_splice)
{
	int i;

	setup_device(_metadata, "exclusive=N capacity=65536");

	self->fd = open_device(O_RDWR | O_TRUNC);
	ASSERT_LE(0, self->fd);
	self->file = memfd_create("file", MFD_CLOEXEC);
	ASSERT_LE(0, self->file);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC | O_NONBLOCK));
	self->bytes = malloc(2 * FULL);
	ASSERT_NE(NULL, self->bytes);
	for (i = 0; i < 2 * FULL; i++)
		self->bytes[i] = i * 31 >> 3;
}

FIXTURE_TEARDOWN_PARENT(large_splice)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(large_splice, out_works_through_a_pipe_of_one_page)
{
	int page = fcntl(self->pipe[1], F_SETPIPE_SZ, 1);
	static char seen[FULL];
	int done;

	ASSERT_GT(FULL, page);
	ASSERT_EQ(FULL, write(self->fd, self->bytes, FULL));
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));

	for (done = 0; done < FULL; done += page) {
		ASSERT_EQ(page, RESULT(splice(self->fd, NULL, self->pipe[1], NULL, FULL, 0)));
		ASSERT_EQ(page, RESULT(read(self->pipe[0], seen + done, page)));
	}

	EXPECT_EQ(0, RESULT(splice(self->fd, NULL, self->pipe[1], NULL, FULL, 0)));
	EXPECT_EQ(0, memcmp(self->bytes, seen, FULL));
}

TEST_F(large_splice, out_into_a_full_pipe_is_eagain)
{
	int page = fcntl(self->pipe[1], F_SETPIPE_SZ, 1);

	ASSERT_EQ(FULL, pwrite(self->fd, self->bytes, FULL, 0));
	ASSERT_EQ(page, RESULT(splice(self->fd, NULL, self->pipe[1], NULL, FULL, 0)));

	EXPECT_EQ(-EAGAIN, RESULT(splice(self->fd, NULL, self->pipe[1], NULL, FULL, 0)));
	EXPECT_POSITION(self->fd, page);
}

TEST_F(large_splice, in_works_through_a_pipe_of_one_page)
{
	int page = fcntl(self->pipe[1], F_SETPIPE_SZ, 1);
	int done;

	ASSERT_GT(FULL, page);
	for (done = 0; done < FULL; done += page) {
		ASSERT_EQ(page, RESULT(write(self->pipe[1], self->bytes + done, page)));
		ASSERT_EQ(page, RESULT(splice(self->pipe[0], NULL, self->fd, NULL, FULL, 0)));
	}

	EXPECT_MESSAGE(self->fd, self->bytes, FULL);
}

TEST_F(large_splice, sendfile_to_a_file_gives_the_message)
{
	static char seen[FULL + 1];

	ASSERT_EQ(FULL, pwrite(self->fd, self->bytes, FULL, 0));
	ASSERT_EQ(FULL, RESULT(sendfile(self->file, self->fd, NULL, 2 * FULL)));

	EXPECT_POSITION(self->fd, FULL);
	ASSERT_EQ(FULL, pread(self->file, seen, sizeof(seen), 0));
	EXPECT_EQ(0, memcmp(self->bytes, seen, FULL));
}

TEST_F(large_splice, sendfile_to_a_file_at_an_offset_leaves_the_position)
{
	off_t offset = 1000;
	char seen[101];

	ASSERT_EQ(FULL, pwrite(self->fd, self->bytes, FULL, 0));
	ASSERT_EQ(100, RESULT(sendfile(self->file, self->fd, &offset, 100)));

	EXPECT_EQ(1100, offset);
	EXPECT_POSITION(self->fd, 0);
	ASSERT_EQ(100, pread(self->file, seen, sizeof(seen), 0));
	EXPECT_EQ(0, memcmp(self->bytes + 1000, seen, 100));
}

TEST_F(large_splice, sendfile_from_a_file_is_the_message)
{
	ASSERT_EQ(FULL, pwrite(self->file, self->bytes, FULL, 0));
	ASSERT_EQ(FULL, RESULT(sendfile(self->fd, self->file, NULL, FULL)));

	EXPECT_POSITION(self->fd, FULL);
	EXPECT_MESSAGE(self->fd, self->bytes, FULL);
}

TEST_F(large_splice, sendfile_and_back_gives_the_same_bytes)
{
	int back = memfd_create("back", MFD_CLOEXEC);
	static char seen[FULL + 1];

	ASSERT_LE(0, back);
	ASSERT_EQ(12345, pwrite(self->file, self->bytes, 12345, 0));
	ASSERT_EQ(12345, RESULT(sendfile(self->fd, self->file, NULL, FULL)));
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	ASSERT_EQ(12345, RESULT(sendfile(back, self->fd, NULL, FULL)));

	ASSERT_EQ(12345, pread(back, seen, sizeof(seen), 0));
	EXPECT_EQ(0, memcmp(self->bytes, seen, 12345));
}

/* It goes in chunks of what the pipe inside sendfile takes, each a write. */
TEST_F(large_splice, sendfile_from_a_file_that_is_too_large_stores_the_chunks_that_fit)
{
	ASSERT_EQ(FULL + 1, pwrite(self->file, self->bytes, FULL + 1, 0));

	EXPECT_EQ(FULL, RESULT(sendfile(self->fd, self->file, NULL, FULL + 1)));
	EXPECT_MESSAGE(self->fd, self->bytes, FULL);
	EXPECT_EQ(-ENOSPC, RESULT(sendfile(self->fd, self->file, NULL, 1)));
	EXPECT_MESSAGE(self->fd, self->bytes, FULL);
}

TEST_F(large_splice, sendfile_past_the_capacity_is_enospc_and_stores_nothing)
{
	ASSERT_EQ(FULL, pwrite(self->file, self->bytes, FULL, 0));
	ASSERT_EQ(1, lseek(self->fd, 1, SEEK_SET));

	EXPECT_EQ(-ENOSPC, RESULT(sendfile(self->fd, self->file, NULL, FULL)));
	EXPECT_MESSAGE(self->fd, "", 0);
	EXPECT_POSITION(self->fd, 1);
}

TEST_HARNESS_MAIN
