// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters of lkmdemo: valid and invalid values, and their view in sysfs.
 */
#include "device.h"
#include "kmsg.h"

FIXTURE(parameters) {
};

FIXTURE_SETUP(parameters)
{
	skip_if(_metadata, devtmpfs_missing());
	setup_modules(_metadata, MODULE_DEVICE, MODULE_COUNTER);
}

FIXTURE_TEARDOWN_PARENT(parameters)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(parameters, have_defaults)
{
	ASSERT_EQ(0, module_load("lkmdemo", ""));

	EXPECT_PARAMETER("lkmdemo", "capacity", "1024");
	EXPECT_PARAMETER("lkmdemo", "greeting", "Hello from kernel");
	EXPECT_PARAMETER("lkmdemo", "exclusive", "Y");
}

TEST_F(parameters, have_the_values_given_at_load)
{
	ASSERT_EQ(0, module_load("lkmdemo", "capacity=77 greeting=\"Hi there\" exclusive=0"));

	EXPECT_PARAMETER("lkmdemo", "capacity", "77");
	EXPECT_PARAMETER("lkmdemo", "greeting", "Hi there");
	EXPECT_PARAMETER("lkmdemo", "exclusive", "N");
}

TEST_F(parameters, only_exclusive_can_be_written)
{
	ASSERT_EQ(0, module_load("lkmdemo", ""));

	EXPECT_EQ(0444, parameter_mode("lkmdemo", "capacity"));
	EXPECT_EQ(0444, parameter_mode("lkmdemo", "greeting"));
	EXPECT_EQ(0644, parameter_mode("lkmdemo", "exclusive"));
	EXPECT_EQ(-EACCES, parameter_write("lkmdemo", "capacity", "1"));
	EXPECT_EQ(-EACCES, parameter_write("lkmdemo", "greeting", "Bye"));
}

TEST_F(parameters, another_load_shows_the_greeting_again)
{
	int fd;

	ASSERT_EQ(0, module_load("lkmdemo", ""));
	fd = open_device(O_RDWR | O_TRUNC);
	ASSERT_EQ(4, write(fd, "gone", 4));
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(0, module_load("lkmdemo", ""));

	fd = open_device(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_GREETING(fd);
}

TEST_F(parameters, unload_removes_the_device_node)
{
	ASSERT_EQ(0, module_load("lkmdemo", ""));
	ASSERT_EQ(0, module_unload("lkmdemo"));

	EXPECT_EQ(-ENOENT, open_device(O_RDWR));
}

/* With the newline, a greeting of 1023 bytes fills the default capacity. */
static const char *long_greeting(size_t length)
{
	static char parameters[2 * CAPACITY] = "greeting=";

	memset(parameters + strlen(parameters), 'g', length);
	return parameters;
}

TEST_F(parameters, greeting_of_capacity_bytes_is_the_message)
{
	char expected[CAPACITY];
	int fd;

	ASSERT_EQ(0, module_load("lkmdemo", long_greeting(CAPACITY - 1)));

	memset(expected, 'g', CAPACITY - 1);
	expected[CAPACITY - 1] = '\n';
	fd = open_device(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_MESSAGE(fd, expected, CAPACITY);
}

TEST_F(parameters, greeting_one_byte_too_long_is_einval)
{
	EXPECT_EQ(-EINVAL, module_load("lkmdemo", long_greeting(CAPACITY)));
}

TEST_F(parameters, exclusive_off_allows_many_opens)
{
	int i;

	ASSERT_EQ(0, module_load("lkmdemo", "exclusive=N"));

	for (i = 0; i < 100; i++)
		ASSERT_LE(0, open_device(O_RDWR));
}

TEST_F(parameters, exclusive_switched_off_allows_the_next_open)
{
	ASSERT_EQ(0, module_load("lkmdemo", ""));
	ASSERT_LE(0, open_device(O_RDWR));
	ASSERT_EQ(-EBUSY, open_device(O_RDWR));

	ASSERT_EQ(1, parameter_write("lkmdemo", "exclusive", "N"));
	EXPECT_LE(0, open_device(O_RDWR));
}

TEST_F(parameters, exclusive_switched_on_refuses_the_next_open)
{
	int one, two;

	ASSERT_EQ(0, module_load("lkmdemo", "exclusive=N"));
	one = open_device(O_RDWR);
	two = open_device(O_RDWR);
	ASSERT_LE(0, one);
	ASSERT_LE(0, two);

	ASSERT_EQ(1, parameter_write("lkmdemo", "exclusive", "Y"));
	EXPECT_EQ(-EBUSY, open_device(O_RDWR));
	ASSERT_EQ(0, close(one));
	EXPECT_EQ(-EBUSY, open_device(O_RDWR));
	ASSERT_EQ(0, close(two));
	EXPECT_LE(0, open_device(O_RDWR));
}

TEST_F(parameters, exclusive_switched_on_keeps_existing_opens)
{
	int one, two;

	ASSERT_EQ(0, module_load("lkmdemo", "exclusive=N"));
	one = open_device(O_RDWR);
	two = open_device(O_RDWR);
	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	ASSERT_EQ(1, parameter_write("lkmdemo", "exclusive", "Y"));

	EXPECT_EQ(1, write(one, "J", 1));
	EXPECT_MESSAGE(two, "Jello from kernel\n", GREETING_LENGTH);
}

TEST_F(parameters, exclusive_rejects_a_value_that_is_not_a_bool)
{
	ASSERT_EQ(0, module_load("lkmdemo", ""));

	EXPECT_EQ(-EINVAL, parameter_write("lkmdemo", "exclusive", "maybe"));
	EXPECT_PARAMETER("lkmdemo", "exclusive", "Y");
}

FIXTURE(good) {
};

FIXTURE_VARIANT(good) {
	const char *parameters;
	size_t capacity;
	const char *message;
};

FIXTURE_VARIANT_ADD(good, capacity_1) { "capacity=1 greeting=", 1, "\n" };
FIXTURE_VARIANT_ADD(good, capacity_just_enough) { "capacity=18", 18, GREETING };
FIXTURE_VARIANT_ADD(good, capacity_over_a_page) { "capacity=4097", 4097, GREETING };
FIXTURE_VARIANT_ADD(good, capacity_max) { "capacity=65536", CAPACITY_MAX, GREETING };
FIXTURE_VARIANT_ADD(good, greeting_empty) { "greeting=", CAPACITY, "\n" };
FIXTURE_VARIANT_ADD(good, greeting_of_words) { "greeting=\"Hi there\"", CAPACITY, "Hi there\n" };
FIXTURE_VARIANT_ADD(good, greeting_just_fits) { "capacity=6 greeting=Hello", 6, "Hello\n" };

FIXTURE_SETUP(good)
{
	setup_device(_metadata, variant->parameters);
}

FIXTURE_TEARDOWN_PARENT(good)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(good, greeting_and_a_newline_are_the_message)
{
	int fd = open_device(O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_MESSAGE(fd, variant->message, strlen(variant->message));
}

TEST_F(good, capacity_can_be_filled_but_not_exceeded)
{
	static char full[CAPACITY_MAX + 1];
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	memset(full, 'f', variant->capacity);

	EXPECT_EQ(-EINVAL, RESULT(write(fd, full, variant->capacity + 1)));
	EXPECT_EQ(-ENOSPC, RESULT(pwrite(fd, full, 1, variant->capacity)));
	EXPECT_EQ(-EINVAL, RESULT(lseek(fd, variant->capacity + 1, SEEK_SET)));
	EXPECT_EQ(variant->capacity, RESULT(write(fd, full, variant->capacity)));
	EXPECT_MESSAGE(fd, full, variant->capacity);
}

FIXTURE(bad) {
};

FIXTURE_VARIANT(bad) {
	const char *parameters;
};

FIXTURE_VARIANT_ADD(bad, capacity_0) { "capacity=0" };
FIXTURE_VARIANT_ADD(bad, capacity_over_max) { "capacity=65537" };
FIXTURE_VARIANT_ADD(bad, capacity_uint_max) { "capacity=4294967295" };
FIXTURE_VARIANT_ADD(bad, capacity_negative) { "capacity=-1" };
FIXTURE_VARIANT_ADD(bad, capacity_no_number) { "capacity=many" };
FIXTURE_VARIANT_ADD(bad, capacity_empty) { "capacity=" };
FIXTURE_VARIANT_ADD(bad, capacity_without_value) { "capacity" };
FIXTURE_VARIANT_ADD(bad, capacity_below_the_greeting) { "capacity=17" };
FIXTURE_VARIANT_ADD(bad, capacity_1_with_a_greeting) { "capacity=1 greeting=x" };
FIXTURE_VARIANT_ADD(bad, greeting_one_too_long) { "capacity=6 greeting=Hello!" };
FIXTURE_VARIANT_ADD(bad, exclusive_no_bool) { "exclusive=maybe" };

FIXTURE_SETUP(bad)
{
	skip_if(_metadata, devtmpfs_missing());
	setup_modules(_metadata, MODULE_DEVICE, MODULE_COUNTER);
}

FIXTURE_TEARDOWN_PARENT(bad)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(bad, load_is_einval_and_leaves_nothing_behind)
{
	EXPECT_EQ(-EINVAL, module_load("lkmdemo", variant->parameters));
	EXPECT_EQ(MODULE_COUNTER, modules_loaded());
	EXPECT_EQ(-ENOENT, open_device(O_RDWR));
	EXPECT_EQ(0, module_load("lkmdemo", ""));
}

TEST_F(bad, load_logs_one_error)
{
	int kmsg;

	skip_if(_metadata, kmsg_unusable());
	kmsg = kmsg_open();
	ASSERT_LE(0, kmsg);
	module_load("lkmdemo", variant->parameters);

	EXPECT_EQ(1, kmsg_count(kmsg, LEVEL_ERR, "lkmdemo: "));
}

TEST_HARNESS_MAIN
