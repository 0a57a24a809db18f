// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races that happen every time: a static stub stops a call in the middle, and
 * another call passes there, unless the first one locks it out.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "helpers.h"
#include "lkmdemo.h"

#define CAPACITY	64
#define HALF		(CAPACITY / 2)

/**
 * struct race - a call and another one that passes in the middle of it
 * @dev: the device, which is not exclusive
 * @file: the file of the call
 * @other: the file of the call that passes
 * @fops: the file operations of the device
 * @major: number of a character device for opens that do not meet in misc_open()
 * @pass: makes the call that passes
 * @stops: number of times that the call was stopped
 * @passes: number of times that the other call has passed
 * @passing: the other call passes at present, which the stubs do not stop
 */
struct race {
	struct lkmdemo_device *dev;
	struct file *file;
	struct file *other;
	const struct file_operations *fops;
	int major;
	void (*pass)(struct race *race);
	unsigned int stops;
	unsigned int passes;
	bool passing;
};

/* Bounds the loop if the driver is broken. */
#define STOPS_MAX	10

static void stop(struct race *race)
{
	/* A lock without a state: only the first stop is known to be outside. */
	bool locked = LKMDEMO_KUNIT_LOCKS_HAVE_STATE ? lkmdemo_kunit_is_locked(race->dev) :
						       race->stops > 0;

	if (race->stops++ == STOPS_MAX)
		kunit_fail_current_test("%s", "stopped too often");
	if (locked || race->stops > STOPS_MAX)
		return;

	race->passing = true;
	race->pass(race);
	race->passing = false;
	race->passes++;
}

/* Return the race if its call is to stop here. */
static struct race *race_to_stop(void)
{
	struct race *race = kunit_get_current_test()->priv;

	return race->passing ? NULL : race;
}

static struct race *new_race(struct kunit *test, size_t length, void (*pass)(struct race *race))
{
	struct race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));

	race->dev = lkmdemo_kunit_device(test, CAPACITY, length);
	race->dev->exclusive = false;
	race->file = lkmdemo_kunit_open(test, race->dev, O_RDWR);
	race->other = lkmdemo_kunit_open(test, race->dev, O_RDWR);
	race->pass = pass;
	test->priv = race;

	return race;
}

/* The letter tells how many calls have passed before. */
static void pass_write(struct race *race)
{
	u8 bytes[CAPACITY];

	memset(bytes, 'p' + race->passes, CAPACITY);
	lkmdemo_kunit_write_at(race->other, bytes, CAPACITY, 0);
}

static void pass_append(struct race *race)
{
	lkmdemo_kunit_append(race->other, "pppp", 4);
}

static void pass_clear(struct race *race)
{
	lkmdemo_kunit_clear(race->other);
}

/* Stops the copy of a read between its halves. */
static size_t copy_in_halves(struct lkmdemo_message *msg, loff_t pos, size_t count,
			     struct iov_iter *to)
{
	size_t half = count / 2, copied = copy_to_iter(msg->data + pos, half, to);
	struct race *race = race_to_stop();

	if (race)
		stop(race);

	return copied + copy_to_iter(msg->data + pos + half, count - half, to);
}

static void reader_and_writer(struct kunit *test)
{
	struct race *race = new_race(test, CAPACITY, pass_write);
	u8 *seen = lkmdemo_kunit_bytes(test, CAPACITY);
	loff_t pos = 0;

	kunit_activate_static_stub(test, lkmdemo_message_copy, copy_in_halves);

	KUNIT_EXPECT_EQ(test, kernel_read(race->file, seen, CAPACITY, &pos), CAPACITY);

	/* The second attempt holds the lock. */
	KUNIT_EXPECT_EQ(test, race->stops, 2);
	KUNIT_EXPECT_EQ(test, race->passes, 1);
	KUNIT_EXPECT_NULL(test, memchr_inv(seen, 'p', CAPACITY));
	KUNIT_EXPECT_FALSE(test, lkmdemo_kunit_is_urgent(race->file));
}

static void reader_and_clear(struct kunit *test)
{
	struct race *race = new_race(test, CAPACITY, pass_clear);
	u8 *seen = lkmdemo_kunit_bytes(test, CAPACITY);
	loff_t pos = 0;

	kunit_activate_static_stub(test, lkmdemo_message_copy, copy_in_halves);

	KUNIT_EXPECT_EQ(test, kernel_read(race->file, seen, CAPACITY, &pos), 0);
	KUNIT_EXPECT_EQ(test, pos, 0);
	KUNIT_EXPECT_EQ(test, race->passes, 1);
	KUNIT_EXPECT_FALSE(test, lkmdemo_kunit_is_urgent(race->file));
}

/* Stops between the length and the generation of the message. */
static void get_in_halves(struct lkmdemo_message *msg, struct lkmdemo_info *info)
{
	struct race *race = race_to_stop();

	info->capacity = msg->capacity;
	info->length = msg->length;
	if (race)
		stop(race);
	info->generation = msg->generation;
}

static void reader_and_append(struct kunit *test)
{
	struct race *race = new_race(test, HALF, pass_append);
	u8 *want = lkmdemo_kunit_bytes(test, CAPACITY);
	u8 *seen = lkmdemo_kunit_bytes(test, CAPACITY);
	loff_t pos = 0;

	lkmdemo_kunit_fill(want, 0, HALF);
	memcpy(want + HALF, "pppp", 4);
	kunit_activate_static_stub(test, lkmdemo_message_get, get_in_halves);

	KUNIT_EXPECT_EQ(test, kernel_read(race->file, seen, CAPACITY, &pos), HALF + 4);
	KUNIT_EXPECT_EQ(test, race->passes, 1);
	KUNIT_EXPECT_MEMEQ(test, seen, want, HALF + 4);

	race->passing = true;
	KUNIT_EXPECT_FALSE(test, lkmdemo_kunit_is_urgent(race->file));
}

static void get_info_and_writer(struct kunit *test)
{
	struct race *race = new_race(test, HALF, pass_write);
	struct lkmdemo_info info;

	kunit_activate_static_stub(test, lkmdemo_message_get, get_in_halves);

	info = lkmdemo_kunit_info(test, race->file);

	KUNIT_EXPECT_EQ(test, race->passes, 1);
	KUNIT_EXPECT_EQ(test, info.length, CAPACITY);
	KUNIT_EXPECT_EQ(test, info.generation, 2);
}

/* Lets the other call pass when a read has its bytes. */
static ssize_t read_then_pass(struct lkmdemo_message *msg, struct kiocb *iocb,
			      struct iov_iter *to, struct lkmdemo_info *info)
{
	struct kunit *test = kunit_get_current_test();
	ssize_t ret;

	kunit_deactivate_static_stub(test, lkmdemo_message_read);
	ret = lkmdemo_message_read(msg, iocb, to, info);
	stop(test->priv);

	return ret;
}

static void poll_after_a_read_of_an_older_generation(struct kunit *test)
{
	struct race *race = new_race(test, CAPACITY, pass_write);
	u8 *want = lkmdemo_kunit_bytes(test, CAPACITY);
	u8 *seen = lkmdemo_kunit_bytes(test, CAPACITY);
	loff_t pos = 0;

	lkmdemo_kunit_fill(want, 0, CAPACITY);
	kunit_activate_static_stub(test, lkmdemo_message_read, read_then_pass);

	KUNIT_EXPECT_EQ(test, kernel_read(race->file, seen, CAPACITY, &pos), CAPACITY);
	KUNIT_EXPECT_EQ(test, memcmp(seen, want, CAPACITY), 0);
	KUNIT_EXPECT_EQ(test, race->passes, 1);
	KUNIT_EXPECT_TRUE(test, lkmdemo_kunit_is_urgent(race->file));
}

/* Lets the other call pass when poll is about to wait for a change. */
static void pass_then_wait(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	stop(kunit_get_current_test()->priv);
}

/* That change wakes up nobody: poll has to look at the message after this. */
static void poll_and_writer(struct kunit *test)
{
	struct race *race = new_race(test, CAPACITY, pass_write);
	poll_table table;

	init_poll_funcptr(&table, pass_then_wait);

	KUNIT_EXPECT_TRUE(test, vfs_poll(race->file, &table) & EPOLLPRI);
	KUNIT_EXPECT_EQ(test, race->passes, 1);
}

/* Stops a change between the halves of its bytes. */
static void fill_in_halves(struct lkmdemo_message *msg, size_t start, const void *bytes,
			   size_t count)
{
	struct race *race = race_to_stop();
	size_t half = count / 2;

	memset(msg->data + start, 0, count);
	if (bytes)
		memcpy(msg->data + start, bytes, half);
	if (race)
		stop(race);
	if (bytes)
		memcpy(msg->data + start + half, bytes + half, count - half);
}

static struct race *new_change(struct kunit *test, size_t length, void (*pass)(struct race *race))
{
	if (!LKMDEMO_KUNIT_LOCKS_HAVE_STATE)
		kunit_skip(test, "requires CONFIG_SMP");
	kunit_activate_static_stub(test, lkmdemo_message_fill, fill_in_halves);

	return new_race(test, length, pass);
}

static void two_writers(struct kunit *test)
{
	struct race *race = new_change(test, CAPACITY, pass_write);
	u8 bytes[CAPACITY];

	memset(bytes, 'w', CAPACITY);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write_at(race->file, bytes, CAPACITY, 0), CAPACITY);

	KUNIT_EXPECT_EQ(test, race->stops, 1);
	KUNIT_EXPECT_EQ(test, race->passes, 0);
	lkmdemo_kunit_expect_message(test, race->file, bytes, CAPACITY, 2);
}

static void two_appends(struct kunit *test)
{
	struct race *race = new_change(test, 0, pass_append);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_append(race->file, "wwww", 4), 4);
	pass_append(race);

	KUNIT_EXPECT_EQ(test, race->passes, 0);
	lkmdemo_kunit_expect_message(test, race->file, "wwwwpppp", 8, 3);
}

/*
 * Appends while the lock is taken. The thread that took it lets another append pass
 * once this one waits for the lock, or after a tenth of a second: some locks of
 * virtual machines do not show that a CPU waits.
 */
static void append_at_the_lock(void *data, unsigned int i)
{
	struct race *race = data;
	struct lkmdemo_message *msg = &race->dev->message;
	unsigned long end;

	if (i) {
		while (!READ_ONCE(race->passing))
			cond_resched();
		lkmdemo_kunit_append(race->file, "wwww", 4);
		return;
	}

	write_seqlock(&msg->lock);
	WRITE_ONCE(race->passing, true);
	end = jiffies + HZ / 10;
	while (!spin_is_contended(&msg->lock.lock) && time_before(jiffies, end))
		cpu_relax();
	memcpy(msg->data, "pppp", 4);
	WRITE_ONCE(msg->length, 4);
	msg->generation++;
	write_sequnlock(&msg->lock);
}

static void append_that_waits_for_the_lock(struct kunit *test)
{
	struct race *race;

	if (IS_ENABLED(CONFIG_PREEMPT_RT) || num_online_cpus() < 2)
		kunit_skip(test, "requires two CPUs and locks that spin");
	race = new_race(test, 0, pass_append);

	lkmdemo_kunit_race(test, 2, append_at_the_lock, race);

	lkmdemo_kunit_expect_message(test, race->file, "ppppwwww", 8, 3);
}

static void clear_and_writer(struct kunit *test)
{
	struct race *race = new_change(test, CAPACITY, pass_write);

	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_clear(race->file), 0);

	KUNIT_EXPECT_EQ(test, race->stops, 1);
	KUNIT_EXPECT_EQ(test, race->passes, 0);
	lkmdemo_kunit_expect_message(test, race->file, "", 0, 2);
}

/*
 * misc_open() holds a mutex while it calls the driver, so that two opens meet in the
 * driver only by another way: a character device of the test, which passes on to the
 * driver what is opened.
 */
static int direct_open(struct inode *inode, struct file *file)
{
	struct race *race = kunit_get_current_test()->priv;

	file->private_data = &race->dev->misc;
	replace_fops(file, fops_get(race->fops));

	return file->f_op->open(inode, file);
}

static const struct file_operations direct_fops = {
	.owner	= THIS_MODULE,
	.open	= direct_open,
};

static void direct_remove(void *race)
{
	unregister_chrdev(((struct race *)race)->major, "lkmdemo_kunit");
}

static struct file *race_open(struct race *race, int flags)
{
	return lkmdemo_kunit_open_node(MKDEV(race->major, 0), flags);
}

/* Stops an open between its check and its claim, where it holds no lock. */
static bool check_then_pass(struct lkmdemo_device *dev)
{
	struct race *race = race_to_stop();

	if (race)
		stop(race);

	return READ_ONCE(dev->exclusive);
}

static void pass_open(struct race *race)
{
	if (!race->passes)
		race->other = race_open(race, O_RDWR);
}

static void pass_release(struct race *race)
{
	if (!race->passes)
		__fput_sync(race->other);
}

static struct race *new_open(struct kunit *test, bool exclusive, void (*pass)(struct race *race))
{
	struct race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));
	struct file *file;

	race->dev = lkmdemo_kunit_device(test, CAPACITY, CAPACITY);
	file = lkmdemo_kunit_open(test, race->dev, O_RDONLY);
	race->fops = file->f_op;
	lkmdemo_kunit_close(test, file);

	race->major = register_chrdev(0, "lkmdemo_kunit", &direct_fops);
	KUNIT_ASSERT_GT(test, race->major, 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, direct_remove, race), 0);

	race->dev->exclusive = exclusive;
	race->pass = pass;
	test->priv = race;
	kunit_activate_static_stub(test, lkmdemo_is_exclusive, check_then_pass);

	return race;
}

/* Whether an exclusive open is refused. */
static bool is_busy(struct race *race)
{
	struct file *file;

	race->passing = true;
	race->dev->exclusive = true;
	file = lkmdemo_kunit_filp_open(race->dev, O_RDONLY);
	if (!IS_ERR(file))
		__fput_sync(file);

	return file == ERR_PTR(-EBUSY);
}

static void two_exclusive_opens(struct kunit *test)
{
	struct race *race = new_open(test, true, pass_open);
	struct file *file = race_open(race, O_RDWR | O_TRUNC);

	KUNIT_EXPECT_GE(test, race->passes, 1);
	KUNIT_EXPECT_FALSE(test, IS_ERR(race->other));
	KUNIT_EXPECT_PTR_EQ(test, file, ERR_PTR(-EBUSY));
	if (!IS_ERR(file))
		__fput_sync(file);
	if (IS_ERR_OR_NULL(race->other))
		return;

	race->passing = true;
	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_info(test, race->other).generation, 1);
	KUNIT_EXPECT_TRUE(test, is_busy(race));
	__fput_sync(race->other);
	KUNIT_EXPECT_FALSE(test, is_busy(race));
}

static void two_shared_opens(struct kunit *test)
{
	struct race *race = new_open(test, false, pass_open);
	struct file *file = race_open(race, O_RDWR);

	KUNIT_EXPECT_GE(test, race->passes, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, race->other);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);

	__fput_sync(race->other);
	KUNIT_EXPECT_TRUE(test, is_busy(race));
	__fput_sync(file);
	KUNIT_EXPECT_FALSE(test, is_busy(race));
}

static void open_and_release(struct kunit *test)
{
	struct race *race = new_open(test, false, pass_release);
	struct file *file;

	race->passing = true;
	race->other = race_open(race, O_RDWR);
	race->passing = false;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, race->other);

	file = race_open(race, O_RDWR);

	KUNIT_EXPECT_GE(test, race->passes, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_TRUE(test, is_busy(race));
	__fput_sync(file);
	KUNIT_EXPECT_FALSE(test, is_busy(race));
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE(reader_and_writer),
	KUNIT_CASE(reader_and_clear),
	KUNIT_CASE(reader_and_append),
	KUNIT_CASE(get_info_and_writer),
	KUNIT_CASE(poll_after_a_read_of_an_older_generation),
	KUNIT_CASE(poll_and_writer),
	KUNIT_CASE(two_writers),
	KUNIT_CASE(two_appends),
	KUNIT_CASE(append_that_waits_for_the_lock),
	KUNIT_CASE(clear_and_writer),
	KUNIT_CASE(two_exclusive_opens),
	KUNIT_CASE(two_shared_opens),
	KUNIT_CASE(open_and_release),
	{}
};

static struct kunit_suite race_suite = {
	.name = "lkmdemo_race",
	.suite_init = lkmdemo_kunit_suite_init,
	.suite_exit = lkmdemo_kunit_suite_exit,
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
