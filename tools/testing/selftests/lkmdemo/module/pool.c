// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameter of lkmdemo_pool, and its files in debugfs.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "kmsg.h"

#define POOL		"lkmdemo_pool"
#define POOL_MAX	65536
#define DIRECTORY	"/sys/kernel/debug/lkmdemo_pool"
#define ITEMS		DIRECTORY "/items"
#define TIMING		DIRECTORY "/timing"

/* Longer than the longest line of each of the most items. */
static char expected[POOL_MAX * 20];
static char seen[sizeof(expected)];

/* Fills expected with the content of ITEMS, and returns its length. */
static size_t expect_items(unsigned int nr)
{
	size_t length = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		length += sprintf(expected + length, "%u Item %u\n", i, i);

	return length;
}

/* Reads a file into seen, and returns its length or a negative errno. */
static ssize_t read_file(const char *path, size_t chunk)
{
	ssize_t ret, length = 0;
	int fd;

	fd = RESULT(open(path, O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return fd;

	do {
		if (chunk > sizeof(seen) - length)
			chunk = sizeof(seen) - length;
		ret = RESULT(read(fd, seen + length, chunk));
		if (ret > 0)
			length += ret;
	} while (ret > 0);
	close(fd);

	return ret < 0 ? ret : length;
}

FIXTURE(pool) {
};

FIXTURE_SETUP(pool)
{
	skip_if(_metadata, debugfs_unusable());
	setup_module(_metadata, POOL, "");
}

FIXTURE_TEARDOWN_PARENT(pool)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(pool, has_1000_items_by_default)
{
	EXPECT_PARAMETER(POOL, "nr_items", "1000");
	EXPECT_EQ((ssize_t)expect_items(1000), read_file(ITEMS, sizeof(seen)));
}

TEST_F(pool, nr_items_can_not_be_written)
{
	EXPECT_EQ(0444, parameter_mode(POOL, "nr_items"));
	EXPECT_EQ(-EACCES, parameter_write(POOL, "nr_items", "10"));
	EXPECT_PARAMETER(POOL, "nr_items", "1000");
}

TEST_F(pool, files_are_for_root_to_read)
{
	struct stat items, timing;

	ASSERT_EQ(0, stat(ITEMS, &items));
	ASSERT_EQ(0, stat(TIMING, &timing));

	EXPECT_EQ(0400, items.st_mode & 07777);
	EXPECT_EQ(0400, timing.st_mode & 07777);
}

TEST_F(pool, items_can_be_read_from_the_middle)
{
	size_t length = expect_items(1000);
	size_t offset = length / 2;
	int fd = open(ITEMS, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);

	EXPECT_EQ(100, RESULT(pread(fd, seen, 100, offset)));
	EXPECT_EQ(0, memcmp(expected + offset, seen, 100));
}

TEST_F(pool, items_can_be_read_again)
{
	char again[100];
	int fd = open(ITEMS, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(100, RESULT(read(fd, seen, 100)));
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));

	EXPECT_EQ(100, RESULT(read(fd, again, 100)));
	EXPECT_EQ(0, memcmp(seen, again, 100));
}

TEST_F(pool, readers_do_not_disturb_each_other)
{
	int one = open(ITEMS, O_RDONLY | O_CLOEXEC);
	int two = open(ITEMS, O_RDONLY | O_CLOEXEC);
	char bytes[2][7];
	int i;

	expect_items(1000);
	ASSERT_LE(0, one);
	ASSERT_LE(0, two);

	for (i = 0; i < 7000; i += 7) {
		ASSERT_EQ(7, RESULT(read(one, bytes[0], 7)));
		ASSERT_EQ(7, RESULT(read(two, bytes[1], 7)));
		ASSERT_EQ(0, memcmp(expected + i, bytes[0], 7));
		ASSERT_EQ(0, memcmp(expected + i, bytes[1], 7));
	}
}

TEST_F(pool, timing_is_measured_at_each_read)
{
	char first[1024];
	ssize_t length = read_file(TIMING, sizeof(seen));

	ASSERT_LT(0, length);
	ASSERT_GT((ssize_t)sizeof(first), length);
	memcpy(first, seen, length);
	ASSERT_LT(0, read_file(TIMING, sizeof(seen)));

	EXPECT_NE(0, memcmp(first, seen, length));
}

/* The first figure of a row in seen: the time to allocate an item. */
static double allocation(const char *title)
{
	const char *row = strstr(seen, title);

	return row ? strtod(row + strlen(title), NULL) : -1;
}

TEST_F(pool, array_is_allocated_faster_than_singles)
{
	double array = 1e9, single = 1e9, figure;
	ssize_t length;
	int i;

	/* The least of a few: anything may come in between. */
	for (i = 0; i < 5; i++) {
		length = read_file(TIMING, sizeof(seen) - 1);
		ASSERT_LT(0, length);
		seen[length] = '\0';
		figure = allocation("\narray ");
		if (figure < array)
			array = figure;
		figure = allocation("\nsingle ");
		if (figure < single)
			single = figure;
	}

	EXPECT_LT(0, array);
	EXPECT_LT(array, single);
}

TEST_F(pool, unload_removes_the_files)
{
	skip_if(_metadata, module_fixed(POOL));
	ASSERT_EQ(0, module_unload(POOL));

	EXPECT_EQ(-ENOENT, RESULT(access(DIRECTORY, F_OK)));
}

TEST_F(pool, unload_is_refused_while_a_file_is_open)
{
	int fd;

	skip_if(_metadata, module_fixed(POOL));
	fd = open(ITEMS, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EWOULDBLOCK, module_unload(POOL));

	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, module_unload(POOL));
}

TEST_F(pool, loads_and_unloads_many_times)
{
	int i;

	skip_if(_metadata, module_fixed(POOL));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, module_unload(POOL));
		ASSERT_EQ(0, module_load(POOL, ""));
	}

	EXPECT_EQ((ssize_t)expect_items(1000), read_file(ITEMS, sizeof(seen)));
}

FIXTURE(chunk) {
};

FIXTURE_VARIANT(chunk) {
	size_t size;
};

FIXTURE_VARIANT_ADD(chunk, of_1) { 1 };
FIXTURE_VARIANT_ADD(chunk, of_7) { 7 };
FIXTURE_VARIANT_ADD(chunk, of_4095) { 4095 };
FIXTURE_VARIANT_ADD(chunk, of_4096) { 4096 };
FIXTURE_VARIANT_ADD(chunk, of_4097) { 4097 };
FIXTURE_VARIANT_ADD(chunk, of_1000000) { 1000000 };

FIXTURE_SETUP(chunk)
{
	skip_if(_metadata, debugfs_unusable());
	setup_module(_metadata, POOL, "nr_items=500");
}

FIXTURE_TEARDOWN_PARENT(chunk)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(chunk, reads_give_all_items_once)
{
	size_t length = expect_items(500);

	ASSERT_EQ((ssize_t)length, read_file(ITEMS, variant->size));
	EXPECT_EQ(0, memcmp(expected, seen, length));
}

FIXTURE(good) {
};

FIXTURE_VARIANT(good) {
	unsigned int nr;
	const char *last;
};

FIXTURE_VARIANT_ADD(good, nr_items_1) { 1, "0 Item 0\n" };
FIXTURE_VARIANT_ADD(good, nr_items_2) { 2, "1 Item 1\n" };
FIXTURE_VARIANT_ADD(good, nr_items_1000) { 1000, "999 Item 999\n" };
FIXTURE_VARIANT_ADD(good, nr_items_65535) { 65535, "65534 Item 65534\n" };
FIXTURE_VARIANT_ADD(good, nr_items_65536) { 65536, "65535 Item 65535\n" };

static void setup_items(struct __test_metadata *_metadata, unsigned int nr)
{
	char parameters[32];

	snprintf(parameters, sizeof(parameters), "nr_items=%u", nr);
	skip_if(_metadata, debugfs_unusable());
	setup_module(_metadata, POOL, parameters);
}

FIXTURE_SETUP(good)
{
	setup_items(_metadata, variant->nr);
}

FIXTURE_TEARDOWN_PARENT(good)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(good, items_has_that_many_lines)
{
	ssize_t i, length = read_file(ITEMS, sizeof(seen));
	unsigned int lines = 0;

	ASSERT_LT(0, length);
	for (i = 0; i < length; i++)
		lines += seen[i] == '\n';

	EXPECT_EQ(variant->nr, lines);
}

TEST_F(good, items_begins_with_item_0)
{
	int fd = open(ITEMS, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);

	EXPECT_EQ(9, RESULT(read(fd, seen, 9)));
	EXPECT_EQ(0, memcmp("0 Item 0\n", seen, 9));
}

TEST_F(good, items_ends_with_the_last)
{
	ssize_t length = read_file(ITEMS, sizeof(seen));
	ssize_t last = strlen(variant->last);

	ASSERT_LE(last, length);

	EXPECT_EQ(0, memcmp(variant->last, seen + length - last, last));
}

TEST_F(good, items_has_each_name_in_order)
{
	size_t length = expect_items(variant->nr);

	ASSERT_EQ((ssize_t)length, read_file(ITEMS, sizeof(seen)));
	EXPECT_EQ(0, memcmp(expected, seen, length));
}

FIXTURE(timing) {
};

FIXTURE_VARIANT(timing) {
	unsigned int nr;
};

FIXTURE_VARIANT_ADD(timing, of_1) { 1 };
FIXTURE_VARIANT_ADD(timing, of_1000) { 1000 };
FIXTURE_VARIANT_ADD(timing, of_10000) { 10000 };

FIXTURE_SETUP(timing)
{
	setup_items(_metadata, variant->nr);
}

FIXTURE_TEARDOWN_PARENT(timing)
{
	EXPECT_EQ(0, modules_restore());
}

/* Checks the row of the timing in seen that has the title. */
static void expect_figures(struct __test_metadata *_metadata, const char *title)
{
	char *row = strstr(seen, title);
	double figure;
	int i;

	ASSERT_NE(NULL, row);
	row += strlen(title);
	for (i = 0; i < 3; i++) {
		figure = strtod(row, &row);
		EXPECT_LT(0, figure);
	}
	EXPECT_EQ('\n', *row);
}

TEST_F(timing, has_three_positive_figures_of_both_kinds)
{
	ssize_t length = read_file(TIMING, sizeof(seen) - 1);

	ASSERT_LT(0, length);
	seen[length] = '\0';

	expect_figures(_metadata, "\narray ");
	expect_figures(_metadata, "\nsingle ");
}

FIXTURE(bad) {
};

FIXTURE_VARIANT(bad) {
	const char *parameters;
	int error;
	const char *line;
};

FIXTURE_VARIANT_ADD(bad, nr_items_0) {
	"nr_items=0", -EINVAL, "nr_items 0 is not from 1 to 65536"
};

FIXTURE_VARIANT_ADD(bad, nr_items_65537) {
	"nr_items=65537", -EINVAL, "nr_items 65537 is not from 1 to 65536"
};

FIXTURE_VARIANT_ADD(bad, nr_items_uint_max) {
	"nr_items=4294967295", -EINVAL, "nr_items 4294967295 is not from 1 to 65536"
};

FIXTURE_VARIANT_ADD(bad, nr_items_over_32_bits) {
	"nr_items=4294967297", -ERANGE, "`4294967297' invalid for parameter `nr_items'"
};

FIXTURE_VARIANT_ADD(bad, nr_items_negative) {
	"nr_items=-1", -EINVAL, "`-1' invalid for parameter `nr_items'"
};

FIXTURE_VARIANT_ADD(bad, nr_items_word) {
	"nr_items=many", -EINVAL, "`many' invalid for parameter `nr_items'"
};

FIXTURE_SETUP(bad)
{
	setup_modules(_metadata, MODULE_POOL, 0);
}

FIXTURE_TEARDOWN_PARENT(bad)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(bad, load_is_refused)
{
	EXPECT_EQ(variant->error, module_load(POOL, variant->parameters));
}

TEST_F(bad, load_leaves_nothing_behind)
{
	module_load(POOL, variant->parameters);

	EXPECT_FALSE(module_loaded(POOL));
	EXPECT_EQ(-ENOENT, RESULT(access(DIRECTORY, F_OK)));
	EXPECT_EQ(0, module_load(POOL, ""));
}

TEST_F(bad, load_logs_one_error)
{
	int kmsg;

	skip_if(_metadata, kmsg_unusable());
	kmsg = kmsg_open();
	ASSERT_LE(0, kmsg);
	module_load(POOL, variant->parameters);

	EXPECT_LINE(kmsg, POOL, 3, variant->line);
	EXPECT_NO_LINE(kmsg, POOL);
}

TEST_HARNESS_MAIN
