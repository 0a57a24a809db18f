// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/class/misc/lkmdemo: the state of the message, and what each call counts.
 */
#include <stdio.h>
#include <sys/uio.h>

#include "device.h"

#define DIRECTORY	"/sys/class/misc/lkmdemo/"

/* The bytes of an attribute, or a negative errno as text. */
static const char *attribute(const char *name)
{
	static char text[4096];
	char path[256];
	ssize_t ret;

	snprintf(path, sizeof(path), DIRECTORY "%s", name);
	ret = file_read(path, text, sizeof(text));
	if (ret < 0)
		snprintf(text, sizeof(text), "%zd", ret);

	return text;
}

/* The attribute of a generation that counts from the first message of the case. */
static const char *generation(unsigned int number)
{
	static char text[32];

	snprintf(text, sizeof(text), "%llu\n", first_generation + number - 1);

	return text;
}

FIXTURE(sysfs) {
	int fd;
};

FIXTURE_SETUP(sysfs)
{
	setup_device(_metadata, "");
	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(sysfs)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(sysfs, shows_the_first_message)
{
	EXPECT_STREQ("1024\n", attribute("capacity"));
	EXPECT_STREQ("18\n", attribute("length"));
	EXPECT_STREQ(generation(1), attribute("generation"));
}

TEST_F(sysfs, follows_a_write)
{
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 99));

	EXPECT_STREQ("1024\n", attribute("capacity"));
	EXPECT_STREQ("100\n", attribute("length"));
	EXPECT_STREQ(generation(2), attribute("generation"));
}

TEST_F(sysfs, follows_a_clear)
{
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));

	EXPECT_STREQ("1024\n", attribute("capacity"));
	EXPECT_STREQ("0\n", attribute("length"));
	EXPECT_STREQ(generation(2), attribute("generation"));
}

TEST_F(sysfs, capacity_is_the_parameter)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(0, module_load("lkmdemo", "capacity=65536"));

	EXPECT_STREQ("65536\n", attribute("capacity"));
}

TEST_F(sysfs, is_read_while_the_device_is_open_elsewhere)
{
	ASSERT_EQ(-EBUSY, open_device(O_RDONLY));

	EXPECT_STREQ("18\n", attribute("length"));
}

TEST_F(sysfs, disappears_with_the_module)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload("lkmdemo"));

	EXPECT_STREQ("-2", attribute("length"));
	EXPECT_NE(0, access(DIRECTORY, F_OK));
}

TEST_F(sysfs, counters_outlive_the_device)
{
	skip_if(_metadata, modules_unusable(MODULE_COUNTER | MODULE_DEVICE, 0));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(0, module_load("lkmdemo", ""));

	EXPECT_STREQ("1\n", attribute("counters/opens"));
}

FIXTURE(attribute) {
};

FIXTURE_VARIANT(attribute) {
	const char *path;
	const char *text;
};

FIXTURE_VARIANT_ADD(attribute, capacity) { DIRECTORY "capacity", "1024\n" };
FIXTURE_VARIANT_ADD(attribute, length) { DIRECTORY "length", "18\n" };
FIXTURE_VARIANT_ADD(attribute, generation) { DIRECTORY "generation", "1\n" };
FIXTURE_VARIANT_ADD(attribute, opens) { DIRECTORY "counters/opens", "0\n" };
FIXTURE_VARIANT_ADD(attribute, opens_refused) { DIRECTORY "counters/opens_refused", "0\n" };
FIXTURE_VARIANT_ADD(attribute, reads) { DIRECTORY "counters/reads", "0\n" };
FIXTURE_VARIANT_ADD(attribute, writes) { DIRECTORY "counters/writes", "0\n" };
FIXTURE_VARIANT_ADD(attribute, bytes_read) { DIRECTORY "counters/bytes_read", "0\n" };
FIXTURE_VARIANT_ADD(attribute, bytes_written) { DIRECTORY "counters/bytes_written", "0\n" };

FIXTURE_SETUP(attribute)
{
	setup_device(_metadata, "");
}

FIXTURE_TEARDOWN_PARENT(attribute)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(attribute, is_one_decimal_and_a_newline)
{
	char text[4096];

	skip_if(_metadata, modules_unusable(MODULE_COUNTER | MODULE_DEVICE, 0));
	ASSERT_EQ(strlen(variant->text), file_read(variant->path, text, sizeof(text)));

	EXPECT_STREQ(variant->text, text);
}

TEST_F(attribute, is_of_mode_0444_and_refuses_a_write_with_eacces)
{
	EXPECT_EQ(0444, file_mode(variant->path));
	EXPECT_EQ(-EACCES, file_write(variant->path, "5"));
}

/* What a call adds to each counter. */
struct counts {
	unsigned int opens, opens_refused, reads, writes, bytes_read, bytes_written;
};

static struct counts read_counts(void)
{
	return (struct counts){
		.opens = atoi(attribute("counters/opens")),
		.opens_refused = atoi(attribute("counters/opens_refused")),
		.reads = atoi(attribute("counters/reads")),
		.writes = atoi(attribute("counters/writes")),
		.bytes_read = atoi(attribute("counters/bytes_read")),
		.bytes_written = atoi(attribute("counters/bytes_written")),
	};
}

FIXTURE(counting) {
	int fd;
};

FIXTURE_VARIANT(counting) {
	ssize_t (*call)(int fd);
	ssize_t result;
	struct counts counts;
};

static char buffer[2 * CAPACITY];

static ssize_t call_open(int fd)
{
	return open_device(O_RDWR) < 0;
}

static ssize_t call_open_exclusively(int fd)
{
	parameter_write("lkmdemo", "exclusive", "Y");
	return open_device(O_RDWR);
}

static ssize_t call_open_with_o_direct(int fd)
{
	return open_device(O_WRONLY | O_TRUNC | O_DIRECT);
}

static ssize_t call_close(int fd)
{
	return close(fd);
}

static ssize_t call_read(int fd)
{
	return RESULT(read(fd, buffer, sizeof(buffer)));
}

static ssize_t call_pread_at_the_end(int fd)
{
	return RESULT(pread(fd, buffer, sizeof(buffer), CAPACITY));
}

static ssize_t call_read_of_nothing(int fd)
{
	return RESULT(read(fd, buffer, 0));
}

static ssize_t call_readv_of_nothing(int fd)
{
	struct iovec iov[] = { { buffer, 0 }, { NULL, 0 } };

	return RESULT(readv(fd, iov, 2));
}

static ssize_t call_readv(int fd)
{
	struct iovec iov[] = { { buffer, 2 }, { buffer + 2, 3 } };

	return RESULT(readv(fd, iov, 2));
}

static ssize_t call_readv_up_to_a_hole(int fd)
{
	struct iovec iov[] = { { buffer, 3 }, { edge_buffer(0), 7 } };

	return RESULT(readv(fd, iov, 2));
}

static ssize_t call_read_into_nowhere(int fd)
{
	return RESULT(read(fd, edge_buffer(0), 10));
}

static ssize_t call_write(int fd)
{
	return RESULT(write(fd, "Jello", 5));
}

static ssize_t call_writev(int fd)
{
	struct iovec iov[] = { { "one", 3 }, { "four", 4 } };

	return RESULT(writev(fd, iov, 2));
}

static ssize_t call_write_of_nothing(int fd)
{
	return RESULT(write(fd, "", 0));
}

static ssize_t call_writev_of_nothing(int fd)
{
	struct iovec iov[] = { { buffer, 0 }, { NULL, 0 } };

	return RESULT(pwritev(fd, iov, 2, 2 * CAPACITY));
}

static ssize_t call_write_past_the_capacity(int fd)
{
	return RESULT(pwrite(fd, "x", 1, CAPACITY));
}

static ssize_t call_write_of_too_much(int fd)
{
	return RESULT(write(fd, buffer, CAPACITY + 1));
}

static ssize_t call_write_from_nowhere(int fd)
{
	return RESULT(write(fd, edge_buffer(0), 10));
}

static ssize_t call_get_info(int fd)
{
	struct lkmdemo_info info;

	return RESULT(ioctl(fd, LKMDEMO_IOC_GET_INFO, &info));
}

static ssize_t call_clear(int fd)
{
	return RESULT(ioctl(fd, LKMDEMO_IOC_CLEAR));
}

static ssize_t call_mmap(int fd)
{
	char *map = mmap(NULL, CAPACITY, PROT_READ, MAP_SHARED, fd, 0);

	return map == MAP_FAILED ? -errno : map[0];
}

static ssize_t call_lseek(int fd)
{
	return RESULT(lseek(fd, 0, SEEK_END));
}

static ssize_t call_splice_out(int fd)
{
	int ends[2];

	return pipe(ends) ? -errno : RESULT(splice(fd, NULL, ends[1], NULL, 7, 0));
}

static ssize_t call_splice_in(int fd)
{
	int ends[2];

	if (pipe(ends) || write(ends[1], "Jel", 3) != 3)
		return -errno;

	return RESULT(splice(ends[0], NULL, fd, NULL, 3, 0));
}

FIXTURE_VARIANT_ADD(counting, open) { call_open, 0, { .opens = 1 } };
FIXTURE_VARIANT_ADD(counting, open_refused) {
	call_open_exclusively, -EBUSY, { .opens_refused = 1 }
};

FIXTURE_VARIANT_ADD(counting, close) { call_close, 0, {} };
FIXTURE_VARIANT_ADD(counting, read) {
	call_read, GREETING_LENGTH, { .reads = 1, .bytes_read = GREETING_LENGTH }
};

FIXTURE_VARIANT_ADD(counting, read_at_the_end) { call_pread_at_the_end, 0, { .reads = 1 } };
FIXTURE_VARIANT_ADD(counting, read_of_nothing) { call_read_of_nothing, 0, {} };
FIXTURE_VARIANT_ADD(counting, readv_of_nothing) { call_readv_of_nothing, 0, {} };
FIXTURE_VARIANT_ADD(counting, readv) { call_readv, 5, { .reads = 1, .bytes_read = 5 } };
FIXTURE_VARIANT_ADD(counting, readv_up_to_a_hole) {
	call_readv_up_to_a_hole, 3, { .reads = 1, .bytes_read = 3 }
};

FIXTURE_VARIANT_ADD(counting, read_into_nowhere) { call_read_into_nowhere, -EFAULT, {} };
FIXTURE_VARIANT_ADD(counting, write) { call_write, 5, { .writes = 1, .bytes_written = 5 } };
FIXTURE_VARIANT_ADD(counting, writev) { call_writev, 7, { .writes = 1, .bytes_written = 7 } };
FIXTURE_VARIANT_ADD(counting, write_of_nothing) { call_write_of_nothing, 0, {} };
FIXTURE_VARIANT_ADD(counting, writev_of_nothing) { call_writev_of_nothing, 0, {} };
FIXTURE_VARIANT_ADD(counting, open_with_o_direct) { call_open_with_o_direct, -EINVAL, {} };
FIXTURE_VARIANT_ADD(counting, write_past_the_capacity) {
	call_write_past_the_capacity, -ENOSPC, {}
};

FIXTURE_VARIANT_ADD(counting, write_of_too_much) { call_write_of_too_much, -EINVAL, {} };
FIXTURE_VARIANT_ADD(counting, write_from_nowhere) { call_write_from_nowhere, -EFAULT, {} };
FIXTURE_VARIANT_ADD(counting, get_info) { call_get_info, 0, {} };
FIXTURE_VARIANT_ADD(counting, clear) { call_clear, 0, {} };
FIXTURE_VARIANT_ADD(counting, mmap) { call_mmap, 'H', {} };
FIXTURE_VARIANT_ADD(counting, lseek) { call_lseek, GREETING_LENGTH, {} };
FIXTURE_VARIANT_ADD(counting, splice_out) {
	call_splice_out, 7, { .reads = 1, .bytes_read = 7 }
};

FIXTURE_VARIANT_ADD(counting, splice_in) {
	call_splice_in, 3, { .writes = 1, .bytes_written = 3 }
};

FIXTURE_SETUP(counting)
{
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(counting)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(counting, moves_the_counters_by_this_much)
{
	struct counts before, after;

	before = read_counts();
	ASSERT_EQ(variant->result, variant->call(self->fd));
	after = read_counts();

	EXPECT_EQ(variant->counts.opens, after.opens - before.opens);
	EXPECT_EQ(variant->counts.opens_refused, after.opens_refused - before.opens_refused);
	EXPECT_EQ(variant->counts.reads, after.reads - before.reads);
	EXPECT_EQ(variant->counts.writes, after.writes - before.writes);
	EXPECT_EQ(variant->counts.bytes_read, after.bytes_read - before.bytes_read);
	EXPECT_EQ(variant->counts.bytes_written, after.bytes_written - before.bytes_written);
}

TEST_HARNESS_MAIN
