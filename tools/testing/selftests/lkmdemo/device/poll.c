// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll, select and epoll on /dev/lkmdemo: always ready, and urgent after a change.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <time.h>

#include "device.h"

#define ALWAYS	(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM)
#define CHANGED	(ALWAYS | POLLPRI)

/* The events of a descriptor without waiting, or a negative errno. */
static int events(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = 0x7fff };
	int ret = RESULT(poll(&pollfd, 1, 0));

	return ret < 0 ? ret : pollfd.revents;
}

FIXTURE(poll) {
	int fd, other;
};

FIXTURE_SETUP(poll)
{
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	self->other = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN_PARENT(poll)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(poll, is_ready_and_not_urgent_after_open)
{
	EXPECT_EQ(ALWAYS, events(self->fd));
}

TEST_F(poll, is_ready_for_all_access_modes)
{
	EXPECT_EQ(ALWAYS, events(open_device(O_RDONLY)));
	EXPECT_EQ(ALWAYS, events(open_device(O_WRONLY)));
}

TEST_F(poll, is_ready_at_the_end_of_the_message)
{
	ASSERT_EQ(GREETING_LENGTH, lseek(self->fd, 0, SEEK_END));

	EXPECT_EQ(ALWAYS, events(self->fd));
}

TEST_F(poll, is_ready_with_an_empty_message)
{
	EXPECT_EQ(ALWAYS, events(open_device(O_RDWR | O_TRUNC)));
}

TEST_F(poll, is_ready_with_a_full_message)
{
	static char full[CAPACITY];

	ASSERT_EQ(CAPACITY, write(self->other, full, CAPACITY));

	EXPECT_EQ(ALWAYS, events(open_device(O_RDWR)));
}

TEST_F(poll, is_urgent_after_a_write_by_another)
{
	ASSERT_EQ(1, write(self->other, "J", 1));

	EXPECT_EQ(CHANGED, events(self->fd));
}

TEST_F(poll, is_urgent_after_a_write_of_its_own)
{
	ASSERT_EQ(1, write(self->fd, "J", 1));

	EXPECT_EQ(CHANGED, events(self->fd));
}

TEST_F(poll, is_urgent_after_a_write_of_the_same_bytes)
{
	ASSERT_EQ(GREETING_LENGTH, write(self->other, GREETING, GREETING_LENGTH));

	EXPECT_EQ(CHANGED, events(self->fd));
}

TEST_F(poll, is_urgent_after_a_clear)
{
	ASSERT_EQ(0, ioctl(self->other, LKMDEMO_IOC_CLEAR));

	EXPECT_EQ(CHANGED, events(self->fd));
}

TEST_F(poll, is_urgent_after_an_open_that_truncates)
{
	ASSERT_LE(0, open_device(O_WRONLY | O_TRUNC));

	EXPECT_EQ(CHANGED, events(self->fd));
}

TEST_F(poll, is_urgent_until_a_read)
{
	ASSERT_EQ(1, write(self->other, "J", 1));

	EXPECT_EQ(CHANGED, events(self->fd));
	EXPECT_EQ(CHANGED, events(self->fd));
}

TEST_F(poll, is_not_urgent_after_a_change_before_open)
{
	ASSERT_EQ(1, write(self->other, "J", 1));

	EXPECT_EQ(ALWAYS, events(open_device(O_RDWR)));
}

TEST_F(poll, is_not_urgent_after_a_write_of_nothing)
{
	struct iovec iov = { "", 0 };

	ASSERT_EQ(0, write(self->other, "", 0));
	ASSERT_EQ(0, writev(self->other, &iov, 1));

	EXPECT_EQ(ALWAYS, events(self->fd));
}

TEST_F(poll, is_not_urgent_after_writes_that_are_refused)
{
	static char much[CAPACITY + 1];

	ASSERT_EQ(-EINVAL, RESULT(write(self->other, much, sizeof(much))));
	ASSERT_EQ(-ENOSPC, RESULT(pwrite(self->other, "x", 1, CAPACITY)));
	ASSERT_EQ(-EFAULT, RESULT(write(self->other, edge_buffer(0), 1)));

	EXPECT_EQ(ALWAYS, events(self->fd));
}

TEST_F(poll, is_not_urgent_after_a_clear_that_is_refused)
{
	int fd = open_device(O_RDONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(-EBADF, RESULT(ioctl(fd, LKMDEMO_IOC_CLEAR)));

	EXPECT_EQ(ALWAYS, events(self->fd));
}

TEST_F(poll, is_not_urgent_after_a_clear_of_nothing)
{
	int fd;

	ASSERT_EQ(0, ioctl(self->other, LKMDEMO_IOC_CLEAR));
	fd = open_device(O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(self->other, LKMDEMO_IOC_CLEAR));

	EXPECT_EQ(ALWAYS, events(fd));
}

FIXTURE(poll_after) {
	int fd;
};

FIXTURE_VARIANT(poll_after) {
	ssize_t (*call)(int fd);
	ssize_t result;
	int events;
};

static ssize_t call_read(int fd)
{
	char seen[CAPACITY];

	return RESULT(read(fd, seen, sizeof(seen)));
}

static ssize_t call_read_of_one_byte(int fd)
{
	char seen;

	return RESULT(read(fd, &seen, 1));
}

static ssize_t call_read_at_the_end(int fd)
{
	char seen;

	return RESULT(pread(fd, &seen, 1, CAPACITY));
}

static ssize_t call_read_of_nothing(int fd)
{
	char nothing[1];

	return RESULT(read(fd, nothing, 0));
}

static ssize_t call_readv_of_nothing(int fd)
{
	struct iovec iov = { "", 0 };

	return RESULT(readv(fd, &iov, 1));
}

static ssize_t call_readv(int fd)
{
	char seen[CAPACITY];
	struct iovec iov = { seen, sizeof(seen) };

	return RESULT(readv(fd, &iov, 1));
}

static ssize_t call_read_into_nowhere(int fd)
{
	return RESULT(read(fd, edge_buffer(0), 1));
}

static ssize_t call_lseek(int fd)
{
	return RESULT(lseek(fd, 0, SEEK_END));
}

static ssize_t call_get_info(int fd)
{
	struct lkmdemo_info info;

	return RESULT(ioctl(fd, LKMDEMO_IOC_GET_INFO, &info));
}

static ssize_t call_read_on_a_dup(int fd)
{
	return call_read(dup(fd));
}

static ssize_t call_read_on_another_open(int fd)
{
	return call_read(open_device(O_RDONLY));
}

FIXTURE_VARIANT_ADD(poll_after, read) { call_read, GREETING_LENGTH, ALWAYS };
FIXTURE_VARIANT_ADD(poll_after, read_of_one_byte) { call_read_of_one_byte, 1, ALWAYS };
FIXTURE_VARIANT_ADD(poll_after, read_at_the_end) { call_read_at_the_end, 0, ALWAYS };
FIXTURE_VARIANT_ADD(poll_after, read_of_nothing) { call_read_of_nothing, 0, CHANGED };
FIXTURE_VARIANT_ADD(poll_after, readv_of_nothing) { call_readv_of_nothing, 0, CHANGED };
FIXTURE_VARIANT_ADD(poll_after, readv) { call_readv, GREETING_LENGTH, ALWAYS };
FIXTURE_VARIANT_ADD(poll_after, read_on_a_dup) { call_read_on_a_dup, GREETING_LENGTH, ALWAYS };
FIXTURE_VARIANT_ADD(poll_after, read_on_another_open) {
	call_read_on_another_open, GREETING_LENGTH, CHANGED
};

FIXTURE_VARIANT_ADD(poll_after, read_into_nowhere) { call_read_into_nowhere, -EFAULT, CHANGED };
FIXTURE_VARIANT_ADD(poll_after, lseek) { call_lseek, GREETING_LENGTH, CHANGED };
FIXTURE_VARIANT_ADD(poll_after, get_info) { call_get_info, 0, CHANGED };

FIXTURE_SETUP(poll_after)
{
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(1, pwrite(self->fd, "J", 1, 0));
	ASSERT_EQ(1, pwrite(self->fd, "H", 1, 0));
}

FIXTURE_TEARDOWN_PARENT(poll_after)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(poll_after, two_changes_is_cleared_by_one_successful_read)
{
	ASSERT_EQ(variant->result, variant->call(self->fd));

	EXPECT_EQ(variant->events, events(self->fd));
}

TEST_F(poll_after, a_further_change_is_urgent_again)
{
	ASSERT_EQ(variant->result, variant->call(self->fd));
	ASSERT_EQ(1, pwrite(self->fd, "J", 1, 0));

	EXPECT_EQ(CHANGED, events(self->fd));
}

/* The ways to wait for a change only. Each returns the number of events, 0 or 1. */
FIXTURE(wait) {
	int fd, other, epoll;
};

FIXTURE_VARIANT(wait) {
	int (*wait)(int fd, int epoll, int timeout);
	unsigned int epoll_events;
};

static int wait_in_poll(int fd, int epoll, int timeout)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLPRI };
	int ret = RESULT(poll(&pollfd, 1, timeout));

	return ret == 1 && pollfd.revents != POLLPRI ? -EINVAL : ret;
}

static int wait_in_ppoll(int fd, int epoll, int timeout)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLPRI };
	struct timespec limit = {
		.tv_sec = timeout / 1000,
		.tv_nsec = timeout % 1000 * 1000000,
	};
	int ret = RESULT(ppoll(&pollfd, 1, &limit, NULL));

	return ret == 1 && pollfd.revents != POLLPRI ? -EINVAL : ret;
}

static int wait_in_select(int fd, int epoll, int timeout)
{
	struct timeval limit = {
		.tv_sec = timeout / 1000,
		.tv_usec = timeout % 1000 * 1000,
	};
	fd_set urgent;

	FD_ZERO(&urgent);
	FD_SET(fd, &urgent);

	return RESULT(select(fd + 1, NULL, NULL, &urgent, &limit));
}

static int wait_in_epoll(int fd, int epoll, int timeout)
{
	struct epoll_event event;
	int ret = RESULT(epoll_wait(epoll, &event, 1, timeout));

	return ret == 1 && event.events != EPOLLPRI ? -EINVAL : ret;
}

FIXTURE_VARIANT_ADD(wait, in_poll) { wait_in_poll, 0 };
FIXTURE_VARIANT_ADD(wait, in_ppoll) { wait_in_ppoll, 0 };
FIXTURE_VARIANT_ADD(wait, in_select) { wait_in_select, 0 };
FIXTURE_VARIANT_ADD(wait, in_epoll) { wait_in_epoll, EPOLLPRI };
FIXTURE_VARIANT_ADD(wait, in_epoll_edge_triggered) { wait_in_epoll, EPOLLPRI | EPOLLET };

FIXTURE_SETUP(wait)
{
	struct epoll_event event = { .events = variant->epoll_events };

	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	self->other = open_device(O_RDWR);
	self->epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->other);
	ASSERT_LE(0, self->epoll);
	if (event.events)
		ASSERT_EQ(0, epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->fd, &event));
}

FIXTURE_TEARDOWN_PARENT(wait)
{
	EXPECT_EQ(0, modules_restore());
}

/* In milliseconds, longer than any successful test takes. */
#define FOR_EVER	10000

static ssize_t change_by_write(int fd)
{
	return RESULT(write(fd, "J", 1)) - 1;
}

static ssize_t change_by_clear(int fd)
{
	return RESULT(ioctl(fd, LKMDEMO_IOC_CLEAR));
}

struct changer {
	pthread_t thread;
	pid_t sleeper;
	int fd;
	ssize_t (*change)(int fd);
	ssize_t result;
};

static bool sleeps(pid_t thread)
{
	char path[64], text[512] = "";
	char *state;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	file_read(path, text, sizeof(text));
	state = strrchr(text, ')');

	return state && state[2] == 'S';
}

static void *change_when_asleep(void *arg)
{
	struct changer *changer = arg;

	while (!sleeps(changer->sleeper))
		usleep(1000);
	changer->result = changer->change(changer->fd);

	return NULL;
}

#define EXPECT_WAKES(_change) do {								\
	struct changer changer = {								\
		.sleeper = gettid(),								\
		.fd = self->other,								\
		.change = _change,								\
	};											\
	long long _begin = now();								\
												\
	ASSERT_EQ(0, pthread_create(&changer.thread, NULL, change_when_asleep, &changer));	\
	EXPECT_EQ(1, variant->wait(self->fd, self->epoll, FOR_EVER));				\
	/* After a time-out poll finds the change as well. */					\
	EXPECT_GT(FOR_EVER * MILLISECOND, now() - _begin);					\
	ASSERT_EQ(0, pthread_join(changer.thread, NULL));					\
	EXPECT_EQ(0, changer.result);								\
} while (0)

TEST_F(wait, ends_with_a_write_by_another)
{
	EXPECT_WAKES(change_by_write);
}

TEST_F(wait, ends_with_a_clear_by_another)
{
	EXPECT_WAKES(change_by_clear);
}

TEST_F(wait, ends_with_every_change_that_was_read_before_the_next)
{
	char seen[CAPACITY];
	int i;

	for (i = 0; i < 10; i++) {
		EXPECT_WAKES(change_by_write);
		ASSERT_LT(0, pread(self->fd, seen, sizeof(seen), 0));
	}
}

TEST_F(wait, ends_at_once_after_a_change)
{
	ASSERT_EQ(1, write(self->other, "J", 1));

	EXPECT_EQ(1, variant->wait(self->fd, self->epoll, FOR_EVER));
}

TEST_F(wait, ends_at_its_time_out_without_a_change)
{
	long long begin = now();

	EXPECT_EQ(0, variant->wait(self->fd, self->epoll, 50));

	EXPECT_LE(50 * MILLISECOND, now() - begin);
}

TEST_F(wait, ends_at_its_time_out_after_a_refused_write)
{
	ASSERT_EQ(-ENOSPC, RESULT(pwrite(self->other, "x", 1, CAPACITY)));

	EXPECT_EQ(0, variant->wait(self->fd, self->epoll, 10));
}

TEST_F(wait, ends_again_without_a_read_unless_edge_triggered)
{
	bool edge = variant->epoll_events & EPOLLET;

	ASSERT_EQ(1, write(self->other, "J", 1));
	ASSERT_EQ(1, variant->wait(self->fd, self->epoll, 0));

	EXPECT_EQ(edge ? 0 : 1, variant->wait(self->fd, self->epoll, 0));
}

TEST_F(wait, ends_again_after_another_change)
{
	ASSERT_EQ(1, write(self->other, "J", 1));
	ASSERT_EQ(1, variant->wait(self->fd, self->epoll, 0));
	ASSERT_EQ(1, write(self->other, "J", 1));

	EXPECT_EQ(1, variant->wait(self->fd, self->epoll, 0));
}

TEST_HARNESS_MAIN
