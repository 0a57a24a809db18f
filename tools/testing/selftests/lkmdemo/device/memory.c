// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls in which the first allocation fails, then the second, and so on, until the call
 * makes no further one. Each call ends in the error of the contract without an effect,
 * or does without the allocation, and the next call works.
 */
#define _GNU_SOURCE
#include <sys/uio.h>

#include "failslab.h"
#include "netlink.h"

#define STATE		"/sys/kernel/debug/lkmdemo/state"
#define COUNTERS	"/sys/class/misc/lkmdemo/counters/"
#define POOL_DIR	"/sys/kernel/debug/lkmdemo_pool/"

/* The driver stages a longer write in memory. */
#define SMALL		64
#define LARGE		10000

static const char bytes[LARGE] = { "the bytes of a write" };

static long counter(const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), COUNTERS "%s", name);

	return file_read(path, text, sizeof(text)) < 0 ? -1 : atol(text);
}

static bool is_closed(void)
{
	char text[1024];

	return file_read(STATE, text, sizeof(text)) > 0 && strstr(text, "\nopeners: 0\n");
}

FIXTURE(memory) {
	struct failslab failslab;
	int fd;
};

FIXTURE_SETUP(memory)
{
	skip_if(_metadata, failslab_unusable());
	setup_device(_metadata, "capacity=10000");
	ASSERT_TRUE(failslab_set(&self->failslab));
	self->fd = -1;
}

FIXTURE_TEARDOWN_PARENT(memory)
{
	failslab_restore(&self->failslab);
	EXPECT_EQ(0, modules_restore());
}

TEST_F(memory, open_without_memory_has_no_effect)
{
	int number, left, passes = 3, failed = 0;
	long opens;

	/* An allocation of a checker of the kernel may fail in place of that of the driver. */
	for (number = 1, left = 0; !left || --passes; number = left ? 1 : number + 1) {
		opens = counter("opens");
		ASSERT_TRUE(fail_start(number));
		self->fd = open_device(O_RDWR | O_TRUNC);
		left = fail_stop();

		if (self->fd >= 0) {
			ASSERT_EQ(GREETING_LENGTH, write(self->fd, GREETING, GREETING_LENGTH));
			ASSERT_EQ(0, close(self->fd));
			continue;
		}
		failed++;
		ASSERT_EQ(-ENOMEM, self->fd)
			TH_LOG("allocation %d", number);
		ASSERT_EQ(opens, counter("opens"));
		ASSERT_EQ(0, counter("opens_refused"));
		ASSERT_TRUE(is_closed());

		self->fd = open_device(O_RDONLY);
		ASSERT_LE(0, self->fd)
			TH_LOG("allocation %d leaves the device claimed", number);
		EXPECT_GREETING(self->fd);
		ASSERT_EQ(0, close(self->fd));
	}
	EXPECT_LT(0, failed);
	EXPECT_EQ(0, module_unload("lkmdemo"));
}

FIXTURE(memory_write) {
	struct failslab failslab;
	int fd;
};

FIXTURE_VARIANT(memory_write) {
	size_t count;
	int flags;
	/* The error, 0 if no allocation is necessary. */
	int error;
};

FIXTURE_VARIANT_ADD(memory_write, small) { SMALL, 0, 0 };
FIXTURE_VARIANT_ADD(memory_write, large) { SMALL + 1, 0, -ENOMEM };
/* More than a page: another allocator helps out. */
FIXTURE_VARIANT_ADD(memory_write, largest) { LARGE, 0, 0 };
FIXTURE_VARIANT_ADD(memory_write, small_nowait) { SMALL, RWF_NOWAIT, 0 };
FIXTURE_VARIANT_ADD(memory_write, large_nowait) { SMALL + 1, RWF_NOWAIT, -EAGAIN };
FIXTURE_VARIANT_ADD(memory_write, largest_nowait) { LARGE, RWF_NOWAIT, 0 };

FIXTURE_SETUP(memory_write)
{
	skip_if(_metadata, failslab_unusable());
	setup_device(_metadata, "capacity=10000");
	ASSERT_TRUE(failslab_set(&self->failslab));
	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(memory_write)
{
	failslab_restore(&self->failslab);
	EXPECT_EQ(0, modules_restore());
}

TEST_F(memory_write, without_memory_has_no_effect)
{
	const struct iovec iov = { (void *)bytes, variant->count };
	int number, left, generation, failed = 0;
	ssize_t ret;

	for (number = 1, left = 0, generation = 1; !left; number++) {
		ASSERT_TRUE(fail_start(number));
		ret = RESULT(pwritev2(self->fd, &iov, 1, -1, variant->flags));
		left = fail_stop();

		if (ret == (ssize_t)variant->count) {
			EXPECT_INFO(self->fd, LARGE, variant->count, ++generation);
			EXPECT_POSITION(self->fd, ret);
			ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
			ASSERT_EQ(GREETING_LENGTH,
				  pwrite(self->fd, GREETING, GREETING_LENGTH, 0));
			ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
			generation += 2;
			continue;
		}
		failed++;
		ASSERT_EQ(variant->error, ret)
			TH_LOG("allocation %d", number);
		EXPECT_INFO(self->fd, LARGE, GREETING_LENGTH, generation);
		EXPECT_GREETING(self->fd);
		EXPECT_POSITION(self->fd, 0);
	}
	EXPECT_EQ(!!variant->error, !!failed);
	EXPECT_EQ(variant->count, ret);
}

FIXTURE(memory_event) {
	struct failslab failslab;
	int fd;
	int listener;
};

FIXTURE_VARIANT(memory_event) {
	int flags;
};

FIXTURE_VARIANT_ADD(memory_event, write) { 0 };
FIXTURE_VARIANT_ADD(memory_event, nowait) { RWF_NOWAIT };

FIXTURE_SETUP(memory_event)
{
	skip_if(_metadata, failslab_unusable());
	setup_device(_metadata, "exclusive=N");
	if (family_id() == -ENOENT)
		skip_if(_metadata, "requires CONFIG_LKMDEMO_NETLINK");
	ASSERT_TRUE(failslab_set(&self->failslab));
	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	self->listener = listener_open();
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN_PARENT(memory_event)
{
	failslab_restore(&self->failslab);
	EXPECT_EQ(0, modules_restore());
}

TEST_F(memory_event, without_memory_is_reported_as_lost)
{
	const struct iovec iov = { (void *)bytes, SMALL };
	uint64_t length, generation;
	int number, left, ret, lost = 0;

	for (number = 1, left = 0; !left; number++) {
		ASSERT_TRUE(fail_start(number));
		ret = RESULT(pwritev2(self->fd, &iov, 1, 0, variant->flags));
		left = fail_stop();
		ASSERT_EQ(SMALL, ret);

		ret = event_receive(self->listener, &length, &generation);
		if (ret) {
			lost++;
			ASSERT_EQ(-ENOBUFS, ret)
				TH_LOG("allocation %d", number);
		} else {
			EXPECT_EQ(2 * number, generation - first_generation + 1);
		}
		EXPECT_NO_EVENT(self->listener);

		/* The next one arrives. */
		ASSERT_EQ(1, pwrite(self->fd, bytes, 1, 0));
		EXPECT_EVENT(self->listener, SMALL, 2 * number + 1);
	}
	EXPECT_LT(0, lost);
	EXPECT_EQ(0, ret);
}

TEST_F(memory_event, info_get_without_memory_is_enomem)
{
	struct packet packet, get;
	int number, left, ret, fd = socket_open(), refused = 0;
	struct lkmdemo_info info;

	packet_start(&get, family_id(), LKMDEMO_CMD_INFO_GET);
	for (number = 1, left = 0; !left; number++) {
		ASSERT_TRUE(fail_start(number));
		ret = RESULT(send(fd, &get, get.header.nlmsg_len, 0));
		left = fail_stop();

		/* Netlink itself requires memory for the request, and for an error. */
		if (ret < 0) {
			ASSERT_EQ(-ENOBUFS, ret);
			continue;
		}
		ret = receive(fd, &packet);
		if (!ret && packet.header.nlmsg_type == NLMSG_ERROR) {
			refused++;
			ASSERT_EQ(-ENOMEM, ((struct nlmsgerr *)NLMSG_DATA(&packet.header))->error)
				TH_LOG("allocation %d", number);
		}
		ASSERT_EQ(0, info_get(&info));
	}
	EXPECT_LT(0, refused);
	EXPECT_EQ(0, ret);
}

FIXTURE(memory_pool) {
	struct failslab failslab;
};

FIXTURE_VARIANT(memory_pool) {
	const char *parameters;
	const char *file;
	/* The first numbers are tried one by one, and later ones in steps. */
	int step;
};

FIXTURE_VARIANT_ADD(memory_pool, items) { "nr_items=1000", POOL_DIR "items", 1 };
FIXTURE_VARIANT_ADD(memory_pool, timing_of_1) { "nr_items=1", POOL_DIR "timing", 331 };
FIXTURE_VARIANT_ADD(memory_pool, timing_of_100) { "nr_items=100", POOL_DIR "timing", 337 };
FIXTURE_VARIANT_ADD(memory_pool, timing_of_1000) { "nr_items=1000", POOL_DIR "timing", 337 };

FIXTURE_SETUP(memory_pool)
{
	skip_if(_metadata, failslab_unusable());
	setup_module(_metadata, "lkmdemo_pool", variant->parameters);
	ASSERT_TRUE(failslab_set(&self->failslab));
}

FIXTURE_TEARDOWN_PARENT(memory_pool)
{
	failslab_restore(&self->failslab);
	EXPECT_EQ(0, modules_restore());
}

/* Returns the size of a file, or the errno of its open() or of a read(). */
static ssize_t file_size(const char *path)
{
	static char text[4096];
	ssize_t ret, size = 0;
	int fd = RESULT(open(path, O_RDONLY | O_CLOEXEC));

	if (fd < 0)
		return fd;

	do {
		ret = RESULT(read(fd, text, sizeof(text)));
		size += ret;
	} while (ret > 0);
	close(fd);

	return ret ?: size;
}

TEST_F_TIMEOUT(memory_pool, file_without_memory_is_enomem, 100)
{
	int number, left, failed = 0;
	ssize_t size, ret = 0;

	size = file_size(variant->file);
	ASSERT_LT(0, size);

	for (number = 1, left = 0; !left; number += number < 8 ? 1 : variant->step) {
		ASSERT_TRUE(fail_start(number));
		ret = file_size(variant->file);
		left = fail_stop();

		/* The width of the times in "timing" varies, but only if they are long. */
		if (ret >= size)
			continue;
		failed++;
		ASSERT_EQ(-ENOMEM, ret)
			TH_LOG("allocation %d", number);
	}
	EXPECT_LT(0, failed);
	EXPECT_LE(size, ret);
	EXPECT_LE(size, file_size(variant->file));
}

TEST_HARNESS_MAIN
