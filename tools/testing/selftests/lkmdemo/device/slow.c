// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callers that wait for their own memory, and do not block other calls.
 */
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "device.h"

/* The time that other calls may take meanwhile. */
#define BUSY	(1 * SECOND)

/* A call with a buffer whose pages the test provides. */
struct caller {
	pthread_t thread;
	int fd;
	ssize_t (*call)(int fd, void *buffer, size_t count, off_t offset);
	char *buffer;
	size_t count;
	size_t room;
	int faults;
	atomic_bool returned;
	ssize_t result;
};

static ssize_t call_read(int fd, void *buffer, size_t count, off_t offset)
{
	return pread(fd, buffer, count, offset);
}

static ssize_t call_write(int fd, void *buffer, size_t count, off_t offset)
{
	return pwrite(fd, buffer, count, offset);
}

static void *make_call(void *arg)
{
	struct caller *caller = arg;

	caller->result = RESULT(caller->call(caller->fd, caller->buffer, caller->count, 0));
	caller->returned = true;

	return NULL;
}

static int caller_init(struct caller *caller, size_t count)
{
	struct uffdio_api api = { .api = UFFD_API };
	size_t page = sysconf(_SC_PAGESIZE);
	struct uffdio_register range;

	caller->count = count;
	caller->room = (count + page - 1) / page * page;
	caller->buffer = mmap(NULL, caller->room, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	caller->faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (caller->buffer == MAP_FAILED || caller->faults < 0)
		return -errno;

	range = (struct uffdio_register){
		.range = { (unsigned long)caller->buffer, caller->room },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	if (ioctl(caller->faults, UFFDIO_API, &api) ||
	    ioctl(caller->faults, UFFDIO_REGISTER, &range))
		return -errno;

	return 0;
}

/* Start the call, and wait until it waits for its memory. */
static int caller_start(struct caller *caller)
{
	struct pollfd faults = { .fd = caller->faults, .events = POLLIN };
	struct uffd_msg fault;

	if (pthread_create(&caller->thread, NULL, make_call, caller) ||
	    poll(&faults, 1, 20000) != 1 ||
	    read(caller->faults, &fault, sizeof(fault)) != sizeof(fault) ||
	    fault.event != UFFD_EVENT_PAGEFAULT)
		return -EIO;

	return 0;
}

/* Provide the memory, filled with one letter, and wait for the call to return. */
static int caller_finish(struct caller *caller, char letter)
{
	char *bytes = malloc(caller->room);
	struct uffdio_copy copy = {
		.dst = (unsigned long)caller->buffer,
		.src = (unsigned long)bytes,
		.len = caller->room,
	};

	memset(bytes, letter, caller->room);
	if (ioctl(caller->faults, UFFDIO_COPY, &copy))
		return -errno;
	free(bytes);

	return -pthread_join(caller->thread, NULL);
}

FIXTURE(slow) {
	int fd;
	struct caller reader, writer;
	char *message;
};

FIXTURE_VARIANT(slow) {
	size_t count;
	long long stuck;
};

FIXTURE_VARIANT_ADD(slow, with_64_bytes) { 64, SECOND / 50 };
FIXTURE_VARIANT_ADD(slow, with_4096_bytes) { 4096, SECOND / 50 };
FIXTURE_VARIANT_ADD(slow, with_64_kibibytes) { CAPACITY_MAX, SECOND / 50 };

FIXTURE_SETUP(slow)
{
	skip_if(_metadata, userfaultfd_unusable());
	setup_device(_metadata, "exclusive=N capacity=65536");

	self->fd = open_device(O_RDWR | O_TRUNC);
	self->reader.fd = open_device(O_RDONLY);
	self->writer.fd = open_device(O_WRONLY);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->reader.fd);
	ASSERT_LE(0, self->writer.fd);

	self->message = malloc(variant->count);
	ASSERT_NE(NULL, self->message);
	memset(self->message, 'm', variant->count);
	ASSERT_EQ(variant->count, write(self->fd, self->message, variant->count));

	self->reader.call = call_read;
	self->writer.call = call_write;
	ASSERT_EQ(0, caller_init(&self->reader, variant->count));
	ASSERT_EQ(0, caller_init(&self->writer, variant->count));
	ASSERT_EQ(0, caller_start(&self->reader));
	ASSERT_EQ(0, caller_start(&self->writer));
}

FIXTURE_TEARDOWN_PARENT(slow)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(slow, waiting_reader_and_writer_block_no_other_call)
{
	long long begin = now(), busy;
	char bytes[32], seen[32];
	int i;

	for (i = 0; i < 1000; i++) {
		memset(bytes, 'a' + i % 26, sizeof(bytes));
		ASSERT_EQ(sizeof(bytes), pwrite(self->fd, bytes, sizeof(bytes), 0));
		ASSERT_EQ(sizeof(seen), pread(self->fd, seen, sizeof(seen), 0));
		ASSERT_EQ(0, memcmp(bytes, seen, sizeof(seen)));
	}
	busy = now() - begin;
	EXPECT_GT(BUSY, busy);

	while (now() - begin < variant->stuck)
		usleep(10000);
	EXPECT_FALSE(atomic_load(&self->reader.returned));
	EXPECT_FALSE(atomic_load(&self->writer.returned));

	ASSERT_EQ(0, caller_finish(&self->reader, '-'));
	ASSERT_EQ(0, caller_finish(&self->writer, 'w'));
	EXPECT_EQ(variant->count, self->reader.result);
	EXPECT_EQ(variant->count, self->writer.result);
	/* The reader returns the message at the time when its memory arrived. */
	memcpy(self->message, bytes, sizeof(bytes));
	EXPECT_EQ(0, memcmp(self->message, self->reader.buffer, variant->count));
	EXPECT_MESSAGE(self->fd, self->writer.buffer, variant->count);
	EXPECT_EQ('w', self->writer.buffer[0]);
}

TEST_F(slow, reader_returns_one_generation)
{
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, variant->count - 1));
	self->message[variant->count - 1] = 'x';
	ASSERT_EQ(0, caller_finish(&self->reader, '-'));

	EXPECT_EQ(variant->count, self->reader.result);
	EXPECT_EQ(0, memcmp(self->message, self->reader.buffer, variant->count));
}

TEST_F(slow, writer_changes_nothing_before_its_bytes_arrive)
{
	EXPECT_INFO(self->fd, CAPACITY_MAX, variant->count, 3);
	EXPECT_MESSAGE(self->fd, self->message, variant->count);
}

TEST_F(slow, waiting_callers_do_not_block_clear_poll_mmap_and_open)
{
	struct pollfd change = { .fd = self->fd, .events = POLLPRI };
	char byte, *map;

	ASSERT_EQ(1, pread(self->fd, &byte, 1, 0));
	map = mmap(NULL, variant->count, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ('m', map[variant->count - 1]);
	EXPECT_EQ(0, poll(&change, 1, 0));

	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	EXPECT_EQ(0, map[variant->count - 1]);
	EXPECT_EQ(1, poll(&change, 1, 0));
	EXPECT_LE(0, open_device(O_RDWR | O_TRUNC));

	EXPECT_FALSE(atomic_load(&self->reader.returned));
	EXPECT_FALSE(atomic_load(&self->writer.returned));
}

TEST_F(slow, writer_overwrites_changes_made_meanwhile)
{
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	ASSERT_EQ(0, caller_finish(&self->writer, 'w'));

	EXPECT_EQ(variant->count, self->writer.result);
	EXPECT_MESSAGE(self->fd, self->writer.buffer, variant->count);
}

/* Memory that does not arrive, for calls that must not wait for it. */
FIXTURE(nowait) {
	int fd;
	struct caller memory;
};

FIXTURE_VARIANT(nowait) {
	size_t count;
};

FIXTURE_VARIANT_ADD(nowait, with_1_byte) { 1 };
FIXTURE_VARIANT_ADD(nowait, with_64_bytes) { 64 };
FIXTURE_VARIANT_ADD(nowait, with_65_bytes) { 65 };
FIXTURE_VARIANT_ADD(nowait, with_64_kibibytes) { CAPACITY_MAX };

FIXTURE_SETUP(nowait)
{
	static char full[CAPACITY_MAX];

	skip_if(_metadata, userfaultfd_unusable());
	setup_device(_metadata, "capacity=65536");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(CAPACITY_MAX, write(self->fd, full, CAPACITY_MAX));
	ASSERT_EQ(0, caller_init(&self->memory, variant->count));
}

FIXTURE_TEARDOWN_PARENT(nowait)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(nowait, read_is_eagain)
{
	struct iovec iov = { self->memory.buffer, variant->count };

	EXPECT_EQ(-EAGAIN, RESULT(preadv2(self->fd, &iov, 1, 0, RWF_NOWAIT)));
}

TEST_F(nowait, write_is_eagain_and_changes_nothing)
{
	struct iovec iov = { self->memory.buffer, variant->count };

	EXPECT_EQ(-EAGAIN, RESULT(pwritev2(self->fd, &iov, 1, 0, RWF_NOWAIT)));
	EXPECT_INFO(self->fd, CAPACITY_MAX, CAPACITY_MAX, 2);
}

TEST_F(nowait, read_that_has_begun_is_short)
{
	char first[8];
	struct iovec iov[] = {
		{ first, sizeof(first) },
		{ self->memory.buffer, variant->count },
	};

	EXPECT_EQ(sizeof(first), RESULT(preadv2(self->fd, iov, 2, 0, RWF_NOWAIT)));
}

/* A child with a thread that waits in a call. */
FIXTURE(stuck) {
	int fd;
	pid_t child;
};

FIXTURE_VARIANT(stuck) {
	ssize_t (*call)(int fd, void *buffer, size_t count, off_t offset);
	size_t count;
};

FIXTURE_VARIANT_ADD(stuck, reader_of_64_bytes) { call_read, 64 };
FIXTURE_VARIANT_ADD(stuck, reader_of_64_kibibytes) { call_read, CAPACITY_MAX };
FIXTURE_VARIANT_ADD(stuck, writer_of_64_bytes) { call_write, 64 };
FIXTURE_VARIANT_ADD(stuck, writer_of_64_kibibytes) { call_write, CAPACITY_MAX };

FIXTURE_SETUP(stuck)
{
	struct caller caller = { .call = variant->call };
	int told[2];
	pid_t child;
	char byte;

	skip_if(_metadata, userfaultfd_unusable());
	setup_device(_metadata, "exclusive=N capacity=65536");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pipe2(told, O_CLOEXEC));
	/* The child shares self. */
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		caller.fd = open_device(O_RDWR);
		if (caller_init(&caller, variant->count) || caller_start(&caller) ||
		    write(told[1], "", 1) != 1)
			_exit(1);
		pthread_join(caller.thread, NULL);
		_exit(2);
	}
	self->child = child;
	ASSERT_EQ(0, close(told[1]));
	ASSERT_EQ(1, read(told[0], &byte, 1));
}

FIXTURE_TEARDOWN_PARENT(stuck)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(stuck, caller_can_be_killed)
{
	int status;

	ASSERT_EQ(0, kill(self->child, SIGKILL));

	ASSERT_EQ(self->child, waitpid(self->child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	EXPECT_GREETING(self->fd);
	EXPECT_INFO(self->fd, CAPACITY_MAX, GREETING_LENGTH, 1);
}

TEST_F(stuck, killed_caller_releases_the_module)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo"));
	ASSERT_EQ(0, kill(self->child, SIGKILL));
	ASSERT_EQ(self->child, waitpid(self->child, NULL, 0));

	EXPECT_EQ(0, module_unload("lkmdemo"));
}

TEST_HARNESS_MAIN
