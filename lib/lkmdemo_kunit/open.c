// SPDX-License-Identifier: GPL-2.0-only
/*
 * open, release and llseek, and what the counters count.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/lkmdemo.h>
#include <linux/sched.h>
#include <linux/uio.h>

#include "helpers.h"
#include "lkmdemo.h"

#define CAPACITY	64
#define LENGTH		16

static int open_init(struct kunit *test)
{
	test->priv = lkmdemo_kunit_device(test, CAPACITY, LENGTH);

	return 0;
}

/* Return the result of an open. Close the file if there is one. */
static int try_open(struct kunit *test, int flags)
{
	struct file *file = lkmdemo_kunit_filp_open(test->priv, flags);

	if (IS_ERR(file))
		return PTR_ERR(file);
	__fput_sync(file);

	return 0;
}

static void expect_first_message(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_open(test, test->priv, O_RDONLY);
	u8 bytes[LENGTH];

	lkmdemo_kunit_fill(bytes, 0, LENGTH);

	lkmdemo_kunit_expect_message(test, file, bytes, LENGTH, 1);
}

static void second_open_is_ebusy(struct kunit *test)
{
	lkmdemo_kunit_open(test, test->priv, O_RDONLY);

	KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), -EBUSY);
}

static void release_allows_the_next_open(struct kunit *test)
{
	lkmdemo_kunit_close(test, lkmdemo_kunit_open(test, test->priv, O_RDONLY));

	KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), 0);
}

static void refused_open_does_not_claim_the_device(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_open(test, test->priv, O_RDONLY);

	KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), -EBUSY);
	lkmdemo_kunit_close(test, file);

	KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), 0);
}

static void refused_open_does_not_free_the_device(struct kunit *test)
{
	lkmdemo_kunit_open(test, test->priv, O_RDONLY);
	try_open(test, O_RDONLY);

	KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), -EBUSY);
}

static void not_exclusive_allows_many_opens(struct kunit *test)
{
	struct lkmdemo_device *dev = test->priv;
	int i;

	dev->exclusive = false;

	for (i = 0; i < 100; i++)
		lkmdemo_kunit_open(test, dev, O_RDONLY);
}

struct openers_case {
	const char *desc;
	unsigned int openers;
};

static const struct openers_case openers_cases[] = {
	{ "one opener", 1 },
	{ "two openers", 2 },
	{ "eight openers", 8 },
};

KUNIT_ARRAY_PARAM_DESC(openers, openers_cases, desc);

static void exclusive_set_later_waits_for_all_releases(struct kunit *test)
{
	const struct openers_case *c = test->param_value;
	struct lkmdemo_device *dev = test->priv;
	struct file **files;
	int i;

	files = lkmdemo_kunit_zalloc(test, c->openers * sizeof(*files));
	dev->exclusive = false;
	for (i = 0; i < c->openers; i++)
		files[i] = lkmdemo_kunit_open(test, dev, O_RDONLY);
	dev->exclusive = true;

	for (i = 0; i < c->openers; i++) {
		KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), -EBUSY);
		lkmdemo_kunit_close(test, files[i]);
	}
	KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), 0);
}

static void exclusive_cleared_later_allows_the_next_open(struct kunit *test)
{
	struct lkmdemo_device *dev = test->priv;

	lkmdemo_kunit_open(test, dev, O_RDONLY);
	dev->exclusive = false;

	KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), 0);
}

struct truncate_case {
	const char *desc;
	int flags;
	bool empties;
};

static const struct truncate_case truncate_cases[] = {
	{ "O_WRONLY | O_TRUNC", O_WRONLY | O_TRUNC, true },
	{ "O_RDWR | O_TRUNC", O_RDWR | O_TRUNC, true },
	{ "O_WRONLY", O_WRONLY, false },
	{ "O_RDWR | O_APPEND", O_RDWR | O_APPEND, false },
};

KUNIT_ARRAY_PARAM_DESC(truncate, truncate_cases, desc);

static void o_trunc_empties_the_message(struct kunit *test)
{
	const struct truncate_case *c = test->param_value;
	struct file *file;

	KUNIT_EXPECT_EQ(test, try_open(test, c->flags), 0);

	if (!c->empties) {
		expect_first_message(test);
		return;
	}
	file = lkmdemo_kunit_open(test, test->priv, O_RDONLY);
	lkmdemo_kunit_expect_message(test, file, "", 0, 2);
}

static void o_trunc_that_empties_is_no_later_change(struct kunit *test)
{
	struct file *file = lkmdemo_kunit_open(test, test->priv, O_RDWR | O_TRUNC);

	KUNIT_EXPECT_FALSE(test, lkmdemo_kunit_is_urgent(file));
}

/* The counters belong to the whole system: compare with an earlier value. */
static s64 counted(enum lkmdemo_counter counter, s64 before)
{
	return lkmdemo_counter_read(counter) - before;
}

struct failing_case {
	const char *desc;
	bool busy;
	int flags;
	int ret;
};

static const struct failing_case failing_cases[] = {
	{ "busy", true, O_WRONLY | O_TRUNC, -EBUSY },
	{ "O_DIRECT", false, O_WRONLY | O_TRUNC | O_DIRECT, -EINVAL },
	{ "O_DIRECT, busy", true, O_WRONLY | O_TRUNC | O_DIRECT, -EINVAL },
	{ "O_DIRECT, for reading", false, O_RDONLY | O_DIRECT, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(failing, failing_cases, desc);

static void open_that_fails_has_no_effect(struct kunit *test)
{
	const struct failing_case *c = test->param_value;
	struct file *file = NULL;
	s64 opens, refused;

	if (c->busy)
		file = lkmdemo_kunit_open(test, test->priv, O_RDONLY);
	opens = counted(LKMDEMO_COUNTER_OPENS, 0);
	refused = counted(LKMDEMO_COUNTER_OPENS_REFUSED, 0);

	KUNIT_EXPECT_EQ(test, try_open(test, c->flags), c->ret);

	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS, opens), 0);
	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS_REFUSED, refused), c->ret == -EBUSY);
	if (file)
		lkmdemo_kunit_close(test, file);
	expect_first_message(test);
}

static void open_counts_as_one_open(struct kunit *test)
{
	s64 opens = counted(LKMDEMO_COUNTER_OPENS, 0);
	s64 refused = counted(LKMDEMO_COUNTER_OPENS_REFUSED, 0);

	KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), 0);

	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS, opens), 1);
	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS_REFUSED, refused), 0);
}

struct io_case {
	const char *desc;
	bool write;
	loff_t pos;
	size_t count;
	bool faults;
	ssize_t ret;
};

static const struct io_case io_cases[] = {
	{ "read of the whole message", false, 0, LENGTH, false, LENGTH },
	{ "short read", false, 5, CAPACITY, false, LENGTH - 5 },
	{ "read at the end", false, LENGTH, 1, false, 0 },
	{ "read of 0 bytes", false, 0, 0, false, 0 },
	{ "read that faults", false, 0, LENGTH, true, -EFAULT },
	{ "write of some bytes", true, 3, 5, false, 5 },
	{ "write of capacity bytes", true, 0, CAPACITY, false, CAPACITY },
	{ "write of 0 bytes", true, 0, 0, false, 0 },
	{ "write of too many bytes", true, 0, CAPACITY + 1, false, -EINVAL },
	{ "write without room", true, CAPACITY, 1, false, -ENOSPC },
	{ "write that faults", true, 0, LENGTH, true, -EFAULT },
};

KUNIT_ARRAY_PARAM_DESC(io, io_cases, desc);

static ssize_t transfer(struct kunit *test, const struct io_case *c, struct file *file)
{
	u8 *bytes = lkmdemo_kunit_bytes(test, CAPACITY + 1);
	loff_t pos = c->pos;
	char __user *hole;

	if (!c->faults)
		return c->write ? kernel_write(file, bytes, c->count, &pos) :
				  kernel_read(file, bytes, c->count, &pos);

	hole = lkmdemo_kunit_user_hole(test);

	return c->write ? lkmdemo_kunit_write_user(file, hole, c->count, &pos) :
			  lkmdemo_kunit_read_user(file, hole, c->count, &pos);
}

static void transfer_is_counted_if_it_succeeds(struct kunit *test)
{
	const struct io_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_open(test, test->priv, O_RDWR);
	enum lkmdemo_counter calls = c->write ? LKMDEMO_COUNTER_WRITES : LKMDEMO_COUNTER_READS;
	enum lkmdemo_counter bytes = c->write ? LKMDEMO_COUNTER_BYTES_WRITTEN :
						LKMDEMO_COUNTER_BYTES_READ;
	s64 calls_before = counted(calls, 0), bytes_before = counted(bytes, 0);

	KUNIT_EXPECT_EQ(test, transfer(test, c, file), c->ret);

	KUNIT_EXPECT_EQ(test, counted(calls, calls_before), c->ret >= 0 && c->count);
	KUNIT_EXPECT_EQ(test, counted(bytes, bytes_before), max(c->ret, 0));
}

static void opens_share_the_message(struct kunit *test)
{
	struct lkmdemo_device *dev = test->priv;
	struct file *writer, *reader;
	loff_t pos = 0;
	u8 seen[3];

	dev->exclusive = false;
	writer = lkmdemo_kunit_open(test, dev, O_WRONLY);
	reader = lkmdemo_kunit_open(test, dev, O_RDONLY);

	lkmdemo_kunit_write_at(writer, "new", 3, 0);

	KUNIT_EXPECT_EQ(test, kernel_read(reader, seen, 3, &pos), 3);
	KUNIT_EXPECT_MEMEQ(test, seen, "new", 3);
}

#define OPENERS		4

struct opens {
	struct lkmdemo_device *dev;
	atomic_t inside;
	atomic_t crowded;
	atomic_t opened;
	atomic_t refused;
};

static void open_and_release(void *data, unsigned int i)
{
	struct opens *opens = data;
	struct file *file = lkmdemo_kunit_filp_open(opens->dev, O_RDONLY);

	if (IS_ERR(file)) {
		atomic_inc(&opens->refused);
		return;
	}

	atomic_inc(&opens->opened);
	if (atomic_inc_return(&opens->inside) > 1)
		atomic_inc(&opens->crowded);
	cond_resched();
	atomic_dec(&opens->inside);
	__fput_sync(file);
}

struct concurrent_case {
	const char *desc;
	bool exclusive;
};

static const struct concurrent_case concurrent_cases[] = {
	{ "exclusive", true },
	{ "not exclusive", false },
};

KUNIT_ARRAY_PARAM_DESC(concurrent, concurrent_cases, desc);

static void concurrent_opens_and_releases(struct kunit *test)
{
	const struct concurrent_case *c = test->param_value;
	struct opens *opens = lkmdemo_kunit_zalloc(test, sizeof(*opens));
	s64 before = counted(LKMDEMO_COUNTER_OPENS, 0);
	s64 refused = counted(LKMDEMO_COUNTER_OPENS_REFUSED, 0);

	opens->dev = test->priv;
	opens->dev->exclusive = c->exclusive;

	lkmdemo_kunit_race_on(test, OPENERS, open_and_release, opens);

	if (c->exclusive)
		KUNIT_EXPECT_EQ(test, atomic_read(&opens->crowded), 0);
	else
		KUNIT_EXPECT_EQ(test, atomic_read(&opens->refused), 0);
	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS, before), atomic_read(&opens->opened));
	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS_REFUSED, refused),
			atomic_read(&opens->refused));

	opens->dev->exclusive = true;
	KUNIT_EXPECT_EQ(test, try_open(test, O_RDONLY), 0);
}

struct seek_case {
	const char *desc;
	loff_t offset;
	int whence;
	loff_t ret;
};

/* From position 10, in a message of LENGTH bytes. */
static const struct seek_case seek_cases[] = {
	{ "SEEK_SET to 0", 0, SEEK_SET, 0 },
	{ "SEEK_SET past the length", LENGTH + 1, SEEK_SET, LENGTH + 1 },
	{ "SEEK_SET to the capacity", CAPACITY, SEEK_SET, CAPACITY },
	{ "SEEK_SET past the capacity", CAPACITY + 1, SEEK_SET, -EINVAL },
	{ "SEEK_SET to -1", -1, SEEK_SET, -EINVAL },
	{ "SEEK_SET to LLONG_MAX", LLONG_MAX, SEEK_SET, -EINVAL },
	{ "SEEK_SET to LLONG_MIN", LLONG_MIN, SEEK_SET, -EINVAL },
	{ "SEEK_CUR by 0", 0, SEEK_CUR, 10 },
	{ "SEEK_CUR forward", 5, SEEK_CUR, 15 },
	{ "SEEK_CUR back to 0", -10, SEEK_CUR, 0 },
	{ "SEEK_CUR back past 0", -11, SEEK_CUR, -EINVAL },
	{ "SEEK_CUR to the capacity", CAPACITY - 10, SEEK_CUR, CAPACITY },
	{ "SEEK_CUR past the capacity", CAPACITY - 9, SEEK_CUR, -EINVAL },
	{ "SEEK_END to the length", 0, SEEK_END, LENGTH },
	{ "SEEK_END back to 0", -LENGTH, SEEK_END, 0 },
	{ "SEEK_END back past 0", -LENGTH - 1, SEEK_END, -EINVAL },
	{ "SEEK_END to the capacity", CAPACITY - LENGTH, SEEK_END, CAPACITY },
	{ "SEEK_END past the capacity", CAPACITY - LENGTH + 1, SEEK_END, -EINVAL },
	{ "SEEK_DATA", 0, SEEK_DATA, -EINVAL },
	{ "SEEK_HOLE", 0, SEEK_HOLE, -EINVAL },
	{ "unknown whence", 0, SEEK_MAX + 1, -EINVAL },
	{ "negative whence", 0, -1, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(seek, seek_cases, desc);

static void llseek_sets_the_position(struct kunit *test)
{
	const struct seek_case *c = test->param_value;
	struct file *file = lkmdemo_kunit_open(test, test->priv, O_RDONLY);

	KUNIT_ASSERT_EQ(test, vfs_llseek(file, 10, SEEK_SET), 10);

	KUNIT_EXPECT_EQ(test, vfs_llseek(file, c->offset, c->whence), c->ret);
	KUNIT_EXPECT_EQ(test, vfs_llseek(file, 0, SEEK_CUR), c->ret < 0 ? 10 : c->ret);
}

static struct kunit_case open_cases[] = {
	KUNIT_CASE(second_open_is_ebusy),
	KUNIT_CASE(release_allows_the_next_open),
	KUNIT_CASE(refused_open_does_not_claim_the_device),
	KUNIT_CASE(refused_open_does_not_free_the_device),
	KUNIT_CASE(not_exclusive_allows_many_opens),
	KUNIT_CASE_PARAM(exclusive_set_later_waits_for_all_releases, openers_gen_params),
	KUNIT_CASE(exclusive_cleared_later_allows_the_next_open),
	KUNIT_CASE_PARAM(o_trunc_empties_the_message, truncate_gen_params),
	KUNIT_CASE(o_trunc_that_empties_is_no_later_change),
	KUNIT_CASE_PARAM(open_that_fails_has_no_effect, failing_gen_params),
	KUNIT_CASE(open_counts_as_one_open),
	KUNIT_CASE_PARAM(transfer_is_counted_if_it_succeeds, io_gen_params),
	KUNIT_CASE(opens_share_the_message),
	KUNIT_CASE_PARAM(concurrent_opens_and_releases, concurrent_gen_params),
	KUNIT_CASE_PARAM(llseek_sets_the_position, seek_gen_params),
	{}
};

static struct kunit_suite open_suite = {
	.name = "lkmdemo_open",
	.suite_init = lkmdemo_kunit_suite_init,
	.suite_exit = lkmdemo_kunit_suite_exit,
	.init = open_init,
	.test_cases = open_cases,
};

kunit_test_suite(open_suite);
