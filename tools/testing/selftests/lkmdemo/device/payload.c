// SPDX-License-Identifier: GPL-2.0-only
/*
 * The payload parameter of lkmdemo: a firmware file as the first message.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "device.h"
#include "kmsg.h"

#define FIRMWARE	"/lib/firmware"
#define DIRECTORY	FIRMWARE "/lkmdemo_selftest"
#define FILE_IN_IT	DIRECTORY "/payload.bin"
#define FILE_AT_THE_TOP	FIRMWARE "/lkmdemo_selftest.bin"

FIXTURE(payload) {
	bool made;
	char bytes[CAPACITY + 1];
};

static ssize_t store(const char *path, const void *bytes, size_t count)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t ret;

	if (fd < 0)
		return -errno;
	ret = RESULT(write(fd, bytes, count));
	close(fd);

	return ret;
}

FIXTURE_SETUP(payload)
{
	int i;

	skip_if(_metadata, devtmpfs_missing());
	setup_modules(_metadata, MODULE_DEVICE, MODULE_COUNTER);
	/* A machine that requires no firmware may lack the directory. */
	self->made = !mkdir(FIRMWARE, 0755);
	if (mkdir(DIRECTORY, 0700))
		SKIP(return, "cannot create %s: %s", DIRECTORY, strerror(errno));
	for (i = 0; i < sizeof(self->bytes); i++)
		self->bytes[i] = i;
}

FIXTURE_TEARDOWN_PARENT(payload)
{
	unlink(FILE_IN_IT);
	unlink(FILE_AT_THE_TOP);
	rmdir(DIRECTORY);
	if (self->made)
		rmdir(FIRMWARE);
	EXPECT_EQ(0, modules_restore());
}

#define EXPECT_FIRST_MESSAGE(bytes, count) do {		\
	int _fd = open_device(O_RDWR);			\
							\
	ASSERT_LE(0, _fd);				\
	EXPECT_MESSAGE(_fd, bytes, count);		\
} while (0)

/* The load failed, and left nothing that keeps the next from succeeding. */
#define EXPECT_NOT_LOADED() do {			\
	EXPECT_EQ(MODULE_COUNTER, modules_loaded());	\
	EXPECT_EQ(-ENOENT, open_device(O_RDWR));	\
	EXPECT_EQ(0, module_load("lkmdemo", ""));	\
} while (0)

TEST_F(payload, with_every_value_of_a_byte_is_the_message)
{
	ASSERT_EQ(256, store(FILE_IN_IT, self->bytes, 256));
	ASSERT_EQ(0, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));

	EXPECT_FIRST_MESSAGE(self->bytes, 256);
}

TEST_F(payload, without_a_slash_in_its_name_is_the_message)
{
	ASSERT_EQ(256, store(FILE_AT_THE_TOP, self->bytes, 256));
	ASSERT_EQ(0, module_load("lkmdemo", "payload=lkmdemo_selftest.bin"));

	EXPECT_FIRST_MESSAGE(self->bytes, 256);
}

TEST_F(payload, as_large_as_the_capacity_is_the_message)
{
	ASSERT_EQ(CAPACITY, store(FILE_IN_IT, self->bytes, CAPACITY));
	ASSERT_EQ(0, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));

	EXPECT_FIRST_MESSAGE(self->bytes, CAPACITY);
}

TEST_F(payload, of_the_largest_capacity_is_the_message)
{
	static char large[CAPACITY_MAX];
	int i;

	for (i = 0; i < CAPACITY_MAX; i++)
		large[i] = i * 31 >> 4;
	ASSERT_EQ(CAPACITY_MAX, store(FILE_IN_IT, large, CAPACITY_MAX));
	ASSERT_EQ(0, module_load("lkmdemo",
				 "payload=lkmdemo_selftest/payload.bin capacity=65536"));

	EXPECT_FIRST_MESSAGE(large, CAPACITY_MAX);
}

TEST_F(payload, has_generation_1)
{
	int fd;

	ASSERT_EQ(256, store(FILE_IN_IT, self->bytes, 256));
	ASSERT_EQ(0, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));

	fd = open_device(O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_INFO(fd, CAPACITY, 256, 1);
}

TEST_F(payload, is_shown_as_a_parameter)
{
	char value[64];

	ASSERT_EQ(1, store(FILE_IN_IT, self->bytes, 1));
	ASSERT_EQ(0, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));

	EXPECT_EQ(0444, parameter_mode("lkmdemo", "payload"));
	ASSERT_LE(0, parameter_read("lkmdemo", "payload", value, sizeof(value)));
	EXPECT_STREQ("lkmdemo_selftest/payload.bin", value);
}

TEST_F(payload, takes_the_place_of_a_greeting)
{
	ASSERT_EQ(3, store(FILE_IN_IT, "abc", 3));
	ASSERT_EQ(0, module_load("lkmdemo",
				 "payload=lkmdemo_selftest/payload.bin greeting=Hi"));

	EXPECT_FIRST_MESSAGE("abc", 3);
}

TEST_F(payload, takes_the_place_of_a_greeting_that_would_not_fit)
{
	ASSERT_EQ(3, store(FILE_IN_IT, "abc", 3));
	ASSERT_EQ(0, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin capacity=3"));

	EXPECT_FIRST_MESSAGE("abc", 3);
}

TEST_F(payload, is_read_again_at_each_load)
{
	ASSERT_EQ(3, store(FILE_IN_IT, "abc", 3));
	ASSERT_EQ(0, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(0, unlink(FILE_IN_IT));
	ASSERT_EQ(2, store(FILE_IN_IT, "de", 2));
	ASSERT_EQ(0, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));

	EXPECT_FIRST_MESSAGE("de", 2);
}

TEST_F(payload, that_is_missing_is_enoent)
{
	EXPECT_EQ(-ENOENT, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));
	EXPECT_NOT_LOADED();
}

TEST_F(payload, that_is_one_byte_too_large_is_efbig)
{
	ASSERT_EQ(CAPACITY + 1, store(FILE_IN_IT, self->bytes, CAPACITY + 1));

	EXPECT_EQ(-EFBIG, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));
	EXPECT_NOT_LOADED();
}

TEST_F(payload, that_leaves_the_firmware_directory_is_einval)
{
	ASSERT_EQ(3, store(FILE_AT_THE_TOP, "abc", 3));

	EXPECT_EQ(-EINVAL, module_load("lkmdemo",
				       "payload=lkmdemo_selftest/../lkmdemo_selftest.bin"));
	EXPECT_NOT_LOADED();
}

TEST_F(payload, without_a_name_is_einval)
{
	EXPECT_EQ(-EINVAL, module_load("lkmdemo", "payload="));
	EXPECT_NOT_LOADED();
}

TEST_F(payload, that_is_refused_logs_one_error)
{
	int kmsg;

	skip_if(_metadata, kmsg_unusable());
	kmsg = kmsg_open();
	ASSERT_LE(0, kmsg);
	ASSERT_EQ(-ENOENT, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));
	EXPECT_EQ(1, kmsg_count(kmsg, LEVEL_ERR, "lkmdemo: payload lkmdemo_selftest/payload.bin:"));

	ASSERT_EQ(CAPACITY + 1, store(FILE_IN_IT, self->bytes, CAPACITY + 1));
	ASSERT_EQ(-EFBIG, module_load("lkmdemo", "payload=lkmdemo_selftest/payload.bin"));
	EXPECT_EQ(1, kmsg_count(kmsg, LEVEL_ERR, "lkmdemo: first message has 1025 bytes"));
}

TEST_HARNESS_MAIN
