@if poll
// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll: readable before the last byte, writable before the capacity.
 */
#include <poll.h>
#include <sys/wait.h>

#include "device.h"

#define READABLE	(POLLIN | POLLRDNORM)
#define WRITABLE	(POLLOUT | POLLWRNORM)

/* Wait for events; return those that occurred, or a negative errno. */
static int wait_for(int fd, short events, int milliseconds)
{
	struct pollfd about = { .fd = fd, .events = events };
	int ret = RESULT(poll(&about, 1, milliseconds));

	return ret < 0 ? ret : about.revents;
}

TEST_F(device, is_writable_when_empty)
{
	EXPECT_EQ(WRITABLE, wait_for(self->fd, READABLE | WRITABLE, 0));
}

TEST_F(device, is_readable_before_the_last_byte)
{
	EXPECT_EQ(1, RESULT(pwrite(self->fd, "x", 1, 0)));
	EXPECT_EQ(READABLE | WRITABLE, wait_for(self->fd, READABLE | WRITABLE, 0));
	EXPECT_EQ(1, RESULT(lseek(self->fd, 0, SEEK_END)));
	EXPECT_EQ(WRITABLE, wait_for(self->fd, READABLE | WRITABLE, 0));
}

TEST_F(device, is_not_writable_at_the_capacity)
{
	EXPECT_EQ(CAPACITY, RESULT(lseek(self->fd, CAPACITY, SEEK_SET)));
	EXPECT_EQ(0, wait_for(self->fd, READABLE | WRITABLE, 0));
}

TEST_F(device, a_write_wakes_a_reader)
{
	pid_t child = fork();
	int status;

	ASSERT_LE(0, child);
	if (!child) {
		/* Most likely, the parent waits by then. */
		usleep(50 * 1000);
		_exit(pwrite(self->fd, "x", 1, 0) != 1);
	}
	EXPECT_EQ(POLLIN, wait_for(self->fd, POLLIN, 10 * 1000));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
@end
