// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the file operations, with kernel memory.
 */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>

#include "@name@.h"

/* A device that is not registered, and its open file. */
struct context {
	struct @name@_device dev;
	struct file file;
};

static int open_file(struct context *ctx, unsigned int flags)
{
	ctx->file.f_flags = flags;
	ctx->file.f_mode = FMODE_READ | FMODE_WRITE;
	ctx->file.private_data = &ctx->dev.misc;

	return @name@_fops.open(NULL, &ctx->file);
}

static void close_file(struct context *ctx)
{
	@name@_fops.release(NULL, &ctx->file);
}

static ssize_t write_at(struct context *ctx, loff_t pos, const char *bytes, size_t count, int flags)
{
	struct kvec vec = { .iov_base = (void *)bytes, .iov_len = count };
	struct kiocb iocb = { .ki_filp = &ctx->file, .ki_pos = pos, .ki_flags = flags };
	struct iov_iter from;
	ssize_t ret;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, count);
	ret = @name@_fops.write_iter(&iocb, &from);

	/* The position advances by the result, with IOCB_APPEND from the length. */
	return ret <= 0 || flags || iocb.ki_pos == pos + ret ? ret : -EIO;
}

static ssize_t read_at(struct context *ctx, loff_t pos, char *bytes, size_t count)
{
	struct kvec vec = { .iov_base = bytes, .iov_len = count };
	struct kiocb iocb = { .ki_filp = &ctx->file, .ki_pos = pos };
	struct iov_iter to;
	ssize_t ret;

	iov_iter_kvec(&to, ITER_DEST, &vec, 1, count);
	ret = @name@_fops.read_iter(&iocb, &to);

	return iocb.ki_pos == pos + max(ret, 0) ? ret : -EIO;
}

/* Expect the device to contain these bytes, and no others. */
static void expect_bytes(struct kunit *test, const char *bytes, size_t count)
{
	char *seen = kunit_kzalloc(test, @NAME@_CAPACITY, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, seen);
	KUNIT_EXPECT_EQ(test, read_at(test->priv, 0, seen, @NAME@_CAPACITY), count);
	KUNIT_EXPECT_MEMEQ(test, seen, bytes, count);
}

static void is_empty_at_first(struct kunit *test)
{
	char byte;

	KUNIT_EXPECT_EQ(test, read_at(test->priv, 0, &byte, 1), 0);
}

static void reads_what_was_written(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, write_at(test->priv, 0, "hello", 5, 0), 5);
	KUNIT_EXPECT_EQ(test, write_at(test->priv, 1, "a", 1, 0), 1);
	expect_bytes(test, "hallo", 5);
}

static void reads_from_a_position(struct kunit *test)
{
	char bytes[4];

	KUNIT_EXPECT_EQ(test, write_at(test->priv, 0, "hello", 5, 0), 5);
	KUNIT_EXPECT_EQ(test, read_at(test->priv, 3, bytes, sizeof(bytes)), 2);
	KUNIT_EXPECT_MEMEQ(test, bytes, "lo", 2);
	KUNIT_EXPECT_EQ(test, read_at(test->priv, 5, bytes, sizeof(bytes)), 0);
	KUNIT_EXPECT_EQ(test, read_at(test->priv, LLONG_MAX, bytes, sizeof(bytes)), 0);
}

static void a_gap_reads_as_zeros(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, write_at(test->priv, 2, "x", 1, 0), 1);
	expect_bytes(test, "\0\0x", 3);
}

static void appends_at_the_end(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, write_at(test->priv, 0, "ab", 2, 0), 2);
	KUNIT_EXPECT_EQ(test, write_at(test->priv, 0, "cd", 2, IOCB_APPEND), 2);
	expect_bytes(test, "abcd", 4);
}

static void stores_what_fits(struct kunit *test)
{
	struct context *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, write_at(ctx, @NAME@_CAPACITY - 1, "xy", 2, 0), 1);
	KUNIT_EXPECT_EQ(test, ctx->dev.length, @NAME@_CAPACITY);
	KUNIT_EXPECT_EQ(test, write_at(ctx, @NAME@_CAPACITY, "z", 1, 0), -ENOSPC);
	KUNIT_EXPECT_EQ(test, write_at(ctx, LLONG_MAX, "z", 1, 0), -ENOSPC);
	KUNIT_EXPECT_EQ(test, write_at(ctx, LLONG_MAX, "z", 0, 0), 0);
}

static void one_file_is_open_at_a_time(struct kunit *test)
{
	struct context *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, open_file(ctx, 0), -EBUSY);
	ctx->file.private_data = &ctx->dev;
	close_file(ctx);
	KUNIT_EXPECT_EQ(test, open_file(ctx, 0), 0);
}

static void o_trunc_empties_the_device(struct kunit *test)
{
	struct context *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, write_at(ctx, 0, "hello", 5, 0), 5);
	close_file(ctx);
	KUNIT_EXPECT_EQ(test, open_file(ctx, O_TRUNC), 0);
	expect_bytes(test, "", 0);
	KUNIT_EXPECT_EQ(test, write_at(ctx, 4, "x", 1, 0), 1);
	expect_bytes(test, "\0\0\0\0x", 5);
}

static void free_data(void *data)
{
	vfree(data);
}

static int @name@_kunit_init(struct kunit *test)
{
	struct context *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	KUNIT_ASSERT_EQ(test, @name@_device_init(&ctx->dev, "@name@_kunit"), 0);
	ret = kunit_add_action_or_reset(test, free_data, ctx->dev.data);
	KUNIT_ASSERT_EQ(test, ret, 0);
	test->priv = ctx;

	return open_file(ctx, 0);
}

static struct kunit_case @name@_kunit_cases[] = {
	KUNIT_CASE(is_empty_at_first),
	KUNIT_CASE(reads_what_was_written),
	KUNIT_CASE(reads_from_a_position),
	KUNIT_CASE(a_gap_reads_as_zeros),
	KUNIT_CASE(appends_at_the_end),
	KUNIT_CASE(stores_what_fits),
	KUNIT_CASE(one_file_is_open_at_a_time),
	KUNIT_CASE(o_trunc_empties_the_device),
	{}
};

static struct kunit_suite @name@_kunit_suite = {
	.name = "@name@",
	.init = @name@_kunit_init,
	.test_cases = @name@_kunit_cases,
};

kunit_test_suite(@name@_kunit_suite);

MODULE_AUTHOR("@c_contact@");
MODULE_DESCRIPTION("KUnit tests of the @name@ device");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
