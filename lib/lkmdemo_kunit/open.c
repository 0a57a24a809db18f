// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file operations on a device of the test's own: who may open it when, what
 * is counted, and where llseek goes.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/lkmdemo.h>
#include <linux/processor.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "helpers.h"
#include "lkmdemo.h"

#define CAPACITY	64
#define LENGTH		16

/* A device that holds LENGTH bytes, and is exclusive. */
static int open_init(struct kunit *test)
{
	struct lkmdemo_device *dev = lkmdemo_kunit_zalloc(test, sizeof(*dev));

	lkmdemo_kunit_message_init(test, &dev->message, CAPACITY, LENGTH);
	dev->exclusive = true;
	test->priv = dev;

	return 0;
}

static int try_open(struct lkmdemo_device *dev, struct inode *inode,
		    struct file *file, fmode_t mode, unsigned int flags)
{
	spin_lock_init(&file->f_lock);
	file->f_op = &lkmdemo_fops;
	file->f_inode = inode;
	file->f_mode = mode;
	file->f_flags = flags;
	/* Where misc_open() leaves it. */
	file->private_data = &dev->misc;

	return lkmdemo_fops.open(inode, file);
}

static void release(void *data)
{
	struct file *file = data;

	lkmdemo_fops.release(file->f_inode, file);
}

static struct file *zeroed_file(struct kunit *test)
{
	return lkmdemo_kunit_zalloc(test, sizeof(struct file));
}

static struct inode *zeroed_inode(struct kunit *test)
{
	return lkmdemo_kunit_zalloc(test, sizeof(struct inode));
}

static int open_result(struct kunit *test, fmode_t mode, unsigned int flags)
{
	struct file *file = zeroed_file(test);
	int ret;

	ret = try_open(test->priv, zeroed_inode(test), file, mode, flags);
	if (!ret)
		release(file);

	return ret;
}

/* Stays open until closed, or until the end of the test. */
static struct file *opened(struct kunit *test, fmode_t mode, unsigned int flags)
{
	struct file *file = zeroed_file(test);

	KUNIT_ASSERT_EQ(test, try_open(test->priv, zeroed_inode(test), file,
				       mode, flags), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, release, file), 0);

	return file;
}

static void closed(struct kunit *test, struct file *file)
{
	kunit_release_action(test, release, file);
}

static void first_open_succeeds(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, open_result(test, FMODE_READ, 0), 0);
}

static void second_open_is_busy(struct kunit *test)
{
	opened(test, FMODE_READ, 0);

	KUNIT_EXPECT_EQ(test, open_result(test, FMODE_READ, 0), -EBUSY);
}

static void release_frees_the_place(struct kunit *test)
{
	closed(test, opened(test, FMODE_READ, 0));

	KUNIT_EXPECT_EQ(test, open_result(test, FMODE_READ, 0), 0);
}

static void refused_open_takes_no_place(struct kunit *test)
{
	struct file *file = opened(test, FMODE_READ, 0);

	open_result(test, FMODE_READ, 0);
	closed(test, file);

	KUNIT_EXPECT_EQ(test, open_result(test, FMODE_READ, 0), 0);
}

static void refused_open_frees_no_place(struct kunit *test)
{
	opened(test, FMODE_READ, 0);
	open_result(test, FMODE_READ, 0);

	KUNIT_EXPECT_EQ(test, open_result(test, FMODE_READ, 0), -EBUSY);
}

static void not_exclusive_lets_many_in(struct kunit *test)
{
	struct lkmdemo_device *dev = test->priv;
	int i;

	dev->exclusive = false;

	for (i = 0; i < 100; i++)
		opened(test, FMODE_READ, 0);
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

static void exclusive_switched_on_waits_for_all_to_leave(struct kunit *test)
{
	const struct openers_case *c = test->param_value;
	struct lkmdemo_device *dev = test->priv;
	struct file **files;
	int i;

	files = lkmdemo_kunit_zalloc(test, c->openers * sizeof(*files));

	dev->exclusive = false;
	for (i = 0; i < c->openers; i++)
		files[i] = opened(test, FMODE_READ, 0);
	dev->exclusive = true;

	for (i = 0; i < c->openers; i++) {
		KUNIT_EXPECT_EQ(test, open_result(test, FMODE_READ, 0), -EBUSY);
		closed(test, files[i]);
	}
	KUNIT_EXPECT_EQ(test, open_result(test, FMODE_READ, 0), 0);
}

static void exclusive_switched_off_lets_the_next_in(struct kunit *test)
{
	struct lkmdemo_device *dev = test->priv;

	opened(test, FMODE_READ, 0);
	dev->exclusive = false;

	KUNIT_EXPECT_EQ(test, open_result(test, FMODE_READ, 0), 0);
}

struct truncate_case {
	const char *desc;
	fmode_t mode;
	unsigned int flags;
	bool empties;
};

static const struct truncate_case truncate_cases[] = {
	{ "O_WRONLY | O_TRUNC", FMODE_WRITE, O_WRONLY | O_TRUNC, true },
	{ "O_RDWR | O_TRUNC", FMODE_READ | FMODE_WRITE, O_RDWR | O_TRUNC,
	  true },
	{ "O_RDONLY | O_TRUNC", FMODE_READ, O_RDONLY | O_TRUNC, false },
	{ "O_WRONLY", FMODE_WRITE, O_WRONLY, false },
	{ "O_RDWR | O_APPEND", FMODE_READ | FMODE_WRITE, O_RDWR | O_APPEND,
	  false },
};

KUNIT_ARRAY_PARAM_DESC(truncate, truncate_cases, desc);

static void open_truncates_if_asked(struct kunit *test)
{
	const struct truncate_case *c = test->param_value;
	struct lkmdemo_device *dev = test->priv;

	opened(test, c->mode, c->flags);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_length(&dev->message),
			c->empties ? 0 : LENGTH);
	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_generation(&dev->message),
			c->empties ? 2 : 1);
}

static void refused_open_does_not_truncate(struct kunit *test)
{
	struct lkmdemo_device *dev = test->priv;

	opened(test, FMODE_READ, 0);
	open_result(test, FMODE_WRITE, O_WRONLY | O_TRUNC);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_length(&dev->message), LENGTH);
}

/* Differences: the counters are those of the whole system. */
static s64 counted(enum lkmdemo_counter counter, s64 before)
{
	return lkmdemo_counter_read(counter) - before;
}

static void open_counts_as_one_open(struct kunit *test)
{
	s64 opens = counted(LKMDEMO_COUNTER_OPENS, 0);
	s64 refused = counted(LKMDEMO_COUNTER_OPENS_REFUSED, 0);

	opened(test, FMODE_READ, 0);

	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS, opens), 1);
	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS_REFUSED, refused),
			0);
}

static void refused_open_counts_as_one_refused(struct kunit *test)
{
	s64 opens, refused;

	opened(test, FMODE_READ, 0);
	opens = counted(LKMDEMO_COUNTER_OPENS, 0);
	refused = counted(LKMDEMO_COUNTER_OPENS_REFUSED, 0);

	open_result(test, FMODE_READ, 0);

	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS, opens), 0);
	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS_REFUSED, refused),
			1);
}

static void release_counts_as_nothing(struct kunit *test)
{
	struct file *file = opened(test, FMODE_READ, 0);
	s64 opens = counted(LKMDEMO_COUNTER_OPENS, 0);
	s64 refused = counted(LKMDEMO_COUNTER_OPENS_REFUSED, 0);

	closed(test, file);

	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS, opens), 0);
	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS_REFUSED, refused),
			0);
}

#define RACERS		8
#define RACE_ROUNDS	10

struct open_race {
	struct lkmdemo_device *dev;
	struct inode *inode;
	struct file *files[RACERS];
	int ret[RACERS];
	atomic_t inside;
	atomic_t crowded;
	atomic_t opened;
	atomic_t refused;
};

static struct open_race *open_race(struct kunit *test)
{
	struct open_race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));
	int i;

	race->dev = test->priv;
	race->inode = zeroed_inode(test);
	for (i = 0; i < RACERS; i++)
		race->files[i] = zeroed_file(test);

	return race;
}

static int race_open(struct open_race *race, unsigned int i)
{
	return try_open(race->dev, race->inode, race->files[i], FMODE_READ, 0);
}

static void open_once(void *data, unsigned int i)
{
	struct open_race *race = data;

	race->ret[i] = race_open(race, i);
}

static void one_of_many_racing_gets_in(struct kunit *test)
{
	struct open_race *race = open_race(test);
	int i, round;

	for (round = 0; round < RACE_ROUNDS; round++) {
		unsigned int in = 0, busy = 0;

		lkmdemo_kunit_race(test, RACERS, open_once, race);

		for (i = 0; i < RACERS; i++) {
			if (!race->ret[i]) {
				release(race->files[i]);
				in++;
			}
			busy += race->ret[i] == -EBUSY;
		}
		KUNIT_ASSERT_EQ(test, in, 1);
		KUNIT_ASSERT_EQ(test, busy, RACERS - 1);
	}
}

static void open_and_release(void *data, unsigned int i)
{
	struct open_race *race = data;
	int k;

	if (race_open(race, i)) {
		atomic_inc(&race->refused);
		return;
	}

	atomic_inc(&race->opened);
	if (atomic_inc_return(&race->inside) > 1)
		atomic_inc(&race->crowded);
	/* Long enough for another that came at the same time. */
	for (k = 0; k < 20; k++)
		cpu_relax();
	atomic_dec(&race->inside);
	release(race->files[i]);
}

static void never_two_racing_are_inside(struct kunit *test)
{
	struct open_race *race = open_race(test);

	lkmdemo_kunit_race_on(test, RACERS, open_and_release, race);

	KUNIT_EXPECT_EQ(test, atomic_read(&race->crowded), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&race->opened), 0);
	KUNIT_EXPECT_EQ(test, open_result(test, FMODE_READ, 0), 0);
}

static void racing_opens_are_all_counted(struct kunit *test)
{
	s64 opens = counted(LKMDEMO_COUNTER_OPENS, 0);
	s64 refused = counted(LKMDEMO_COUNTER_OPENS_REFUSED, 0);
	struct open_race *race = open_race(test);

	lkmdemo_kunit_race_on(test, RACERS, open_and_release, race);

	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS, opens),
			atomic_read(&race->opened));
	KUNIT_EXPECT_EQ(test, counted(LKMDEMO_COUNTER_OPENS_REFUSED, refused),
			atomic_read(&race->refused));
}

struct io_case {
	const char *desc;
	loff_t pos;
	size_t count;
	bool faults;
	ssize_t ret;
};

static struct kiocb *opened_iocb(struct kunit *test, fmode_t mode,
				 unsigned int flags)
{
	struct kiocb *iocb = lkmdemo_kunit_zalloc(test, sizeof(*iocb));

	init_sync_kiocb(iocb, opened(test, mode, flags));

	return iocb;
}

typedef ssize_t (*io_fn)(struct kiocb *iocb, struct iov_iter *iter);

static void check_io(struct kunit *test, io_fn io, unsigned int direction,
		     enum lkmdemo_counter calls, enum lkmdemo_counter bytes)
{
	const struct io_case *c = test->param_value;
	size_t moved = max(c->ret, 0);
	s64 calls_before, bytes_before;
	struct iov_iter *iter;
	struct kiocb *iocb;

	iocb = opened_iocb(test, FMODE_READ | FMODE_WRITE, O_RDWR);
	iocb->ki_pos = c->pos;
	if (c->faults)
		iter = lkmdemo_kunit_user_iter(test, direction,
					       lkmdemo_kunit_user_hole(test),
					       c->count);
	else
		iter = lkmdemo_kunit_iter(test, direction,
					  lkmdemo_kunit_bytes(test, CAPACITY),
					  c->count);
	calls_before = lkmdemo_counter_read(calls);
	bytes_before = lkmdemo_counter_read(bytes);

	KUNIT_EXPECT_EQ(test, io(iocb, iter), c->ret);
	KUNIT_EXPECT_EQ(test, iocb->ki_pos, c->pos + moved);
	KUNIT_EXPECT_EQ(test, counted(calls, calls_before), c->ret >= 0);
	KUNIT_EXPECT_EQ(test, counted(bytes, bytes_before), moved);
}

static const struct io_case read_cases[] = {
	{ "whole message", 0, LENGTH, false, LENGTH },
	{ "short", 5, CAPACITY, false, LENGTH - 5 },
	{ "at the end", LENGTH, 1, false, 0 },
	{ "no bytes", 0, 0, false, 0 },
	{ "fault", 0, LENGTH, true, -EFAULT },
};

KUNIT_ARRAY_PARAM_DESC(read, read_cases, desc);

static void read_is_counted_if_it_succeeds(struct kunit *test)
{
	check_io(test, lkmdemo_fops.read_iter, ITER_DEST,
		 LKMDEMO_COUNTER_READS, LKMDEMO_COUNTER_BYTES_READ);
}

static const struct io_case write_cases[] = {
	{ "some bytes", 3, 5, false, 5 },
	{ "capacity bytes", 0, CAPACITY, false, CAPACITY },
	{ "no bytes", 0, 0, false, 0 },
	{ "too many", 0, CAPACITY + 1, false, -EINVAL },
	{ "no room", CAPACITY, 1, false, -ENOSPC },
	{ "fault", 0, LENGTH, true, -EFAULT },
};

KUNIT_ARRAY_PARAM_DESC(write, write_cases, desc);

static void write_is_counted_if_it_succeeds(struct kunit *test)
{
	check_io(test, lkmdemo_fops.write_iter, ITER_SOURCE,
		 LKMDEMO_COUNTER_WRITES, LKMDEMO_COUNTER_BYTES_WRITTEN);
}

static void write_heeds_append(struct kunit *test)
{
	struct iov_iter *from = lkmdemo_kunit_iter(test, ITER_SOURCE, "end", 3);
	struct kiocb *iocb;

	iocb = opened_iocb(test, FMODE_WRITE, O_WRONLY | O_APPEND);
	iocb->ki_flags |= IOCB_APPEND;

	KUNIT_EXPECT_EQ(test, lkmdemo_fops.write_iter(iocb, from), 3);
	KUNIT_EXPECT_EQ(test, iocb->ki_pos, LENGTH + 3);
}

static void openers_share_the_message(struct kunit *test)
{
	struct lkmdemo_device *dev = test->priv;
	struct kiocb *writer, *reader;
	u8 got[3];

	dev->exclusive = false;
	writer = opened_iocb(test, FMODE_WRITE, O_WRONLY);
	reader = opened_iocb(test, FMODE_READ, O_RDONLY);

	lkmdemo_fops.write_iter(writer, lkmdemo_kunit_iter(test, ITER_SOURCE,
							   "new", 3));
	lkmdemo_fops.read_iter(reader, lkmdemo_kunit_iter(test, ITER_DEST,
							  got, 3));

	KUNIT_EXPECT_MEMEQ(test, got, "new", 3);
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
	{ "SEEK_CUR to where it is", 0, SEEK_CUR, 10 },
	{ "SEEK_CUR forward", 5, SEEK_CUR, 15 },
	{ "SEEK_CUR back to 0", -10, SEEK_CUR, 0 },
	{ "SEEK_CUR back past 0", -11, SEEK_CUR, -EINVAL },
	{ "SEEK_CUR to the capacity", CAPACITY - 10, SEEK_CUR, CAPACITY },
	{ "SEEK_CUR past the capacity", CAPACITY - 9, SEEK_CUR, -EINVAL },
	{ "SEEK_END to the length", 0, SEEK_END, LENGTH },
	{ "SEEK_END back to 0", -LENGTH, SEEK_END, 0 },
	{ "SEEK_END back past 0", -LENGTH - 1, SEEK_END, -EINVAL },
	{ "SEEK_END to the capacity", CAPACITY - LENGTH, SEEK_END, CAPACITY },
	{ "SEEK_END past the capacity", CAPACITY - LENGTH + 1, SEEK_END,
	  -EINVAL },
	{ "SEEK_DATA", 0, SEEK_DATA, -EINVAL },
	{ "SEEK_HOLE", 0, SEEK_HOLE, -EINVAL },
	{ "unknown whence", 0, SEEK_MAX + 1, -EINVAL },
	{ "negative whence", 0, -1, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(seek, seek_cases, desc);

static void llseek_goes(struct kunit *test)
{
	const struct seek_case *c = test->param_value;
	struct file *file = opened(test, FMODE_READ, 0);

	file->f_pos = 10;

	KUNIT_EXPECT_EQ(test, lkmdemo_fops.llseek(file, c->offset, c->whence),
			c->ret);
	KUNIT_EXPECT_EQ(test, file->f_pos, c->ret < 0 ? 10 : c->ret);
}

static struct kunit_case open_cases[] = {
	KUNIT_CASE(first_open_succeeds),
	KUNIT_CASE(second_open_is_busy),
	KUNIT_CASE(release_frees_the_place),
	KUNIT_CASE(refused_open_takes_no_place),
	KUNIT_CASE(refused_open_frees_no_place),
	KUNIT_CASE(not_exclusive_lets_many_in),
	KUNIT_CASE_PARAM(exclusive_switched_on_waits_for_all_to_leave,
			 openers_gen_params),
	KUNIT_CASE(exclusive_switched_off_lets_the_next_in),
	KUNIT_CASE_PARAM(open_truncates_if_asked, truncate_gen_params),
	KUNIT_CASE(refused_open_does_not_truncate),
	KUNIT_CASE(open_counts_as_one_open),
	KUNIT_CASE(refused_open_counts_as_one_refused),
	KUNIT_CASE(release_counts_as_nothing),
	KUNIT_CASE(one_of_many_racing_gets_in),
	KUNIT_CASE(never_two_racing_are_inside),
	KUNIT_CASE(racing_opens_are_all_counted),
	KUNIT_CASE_PARAM(read_is_counted_if_it_succeeds, read_gen_params),
	KUNIT_CASE_PARAM(write_is_counted_if_it_succeeds, write_gen_params),
	KUNIT_CASE(write_heeds_append),
	KUNIT_CASE(openers_share_the_message),
	KUNIT_CASE_PARAM(llseek_goes, seek_gen_params),
	{}
};

static struct kunit_suite open_suite = {
	.name = "lkmdemo_open",
	.init = open_init,
	.test_cases = open_cases,
};

kunit_test_suite(open_suite);
