// SPDX-License-Identifier: GPL-2.0-only
/*
 * What several suites need: messages, user memory that faults, threads that
 * start together.
 */
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/sched/task.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uio.h>

#include "helpers.h"

/**
 * lkmdemo_kunit_zalloc() - allocate memory that goes with the test
 * @test: the test
 * @size: how many bytes
 *
 * The test ends here when there is none.
 *
 * Return: The memory, all zero.
 */
void *lkmdemo_kunit_zalloc(struct kunit *test, size_t size)
{
	void *memory = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, memory);

	return memory;
}

/**
 * lkmdemo_kunit_bytes() - allocate memory that shows where it was written to
 * @test: the test, with which it goes
 * @count: how many bytes
 *
 * Return: The memory, each byte LKMDEMO_KUNIT_UNTOUCHED.
 */
u8 *lkmdemo_kunit_bytes(struct kunit *test, size_t count)
{
	return memset(lkmdemo_kunit_zalloc(test, count),
		      LKMDEMO_KUNIT_UNTOUCHED, count);
}

/**
 * lkmdemo_kunit_fill() - fill memory with bytes that tell where they belong
 * @bytes: the memory
 * @start: offset in a message of the first byte
 * @count: how many bytes
 */
void lkmdemo_kunit_fill(u8 *bytes, size_t start, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		bytes[i] = lkmdemo_kunit_byte(start + i);
}

/**
 * lkmdemo_kunit_iter() - make an iterator over kernel memory
 * @test: the test, with which it goes
 * @direction: ITER_SOURCE or ITER_DEST
 * @bytes: the memory
 * @count: bytes that the iterator claims to have, may be more than there are
 *
 * Return: The iterator.
 */
struct iov_iter *lkmdemo_kunit_iter(struct kunit *test, unsigned int direction,
				    void *bytes, size_t count)
{
	struct iov_iter *iter = lkmdemo_kunit_zalloc(test, sizeof(*iter));
	struct kvec *vec = lkmdemo_kunit_zalloc(test, sizeof(*vec));

	vec->iov_base = bytes;
	vec->iov_len = count;
	iov_iter_kvec(iter, direction, vec, 1, count);

	return iter;
}

/**
 * lkmdemo_kunit_user_iter() - make an iterator over user memory
 * @test: the test, with which it goes
 * @direction: ITER_SOURCE or ITER_DEST
 * @user: the memory
 * @count: how many bytes
 *
 * Return: The iterator.
 */
struct iov_iter *lkmdemo_kunit_user_iter(struct kunit *test,
					 unsigned int direction,
					 char __user *user, size_t count)
{
	struct iov_iter *iter = lkmdemo_kunit_zalloc(test, sizeof(*iter));

	iov_iter_ubuf(iter, direction, user, count);

	return iter;
}

KUNIT_DEFINE_ACTION_WRAPPER(message_destroy, lkmdemo_message_destroy,
			    struct lkmdemo_message *);

/**
 * lkmdemo_kunit_message_init() - initialise a message that goes with the test
 * @test: the test
 * @msg: the message
 * @capacity: its capacity
 * @length: how many bytes it starts with, those of lkmdemo_kunit_byte()
 *
 * The message is of generation 1 then, or 0 when it is empty.
 */
void lkmdemo_kunit_message_init(struct kunit *test, struct lkmdemo_message *msg,
				size_t capacity, size_t length)
{
	loff_t pos = 0;
	u8 *bytes;

	KUNIT_ASSERT_EQ(test, lkmdemo_message_init(msg, capacity), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, message_destroy,
							msg), 0);

	bytes = kvmalloc(length, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bytes);
	lkmdemo_kunit_fill(bytes, 0, length);
	KUNIT_EXPECT_EQ(test, lkmdemo_kunit_write(msg, &pos, bytes, length, 0),
			length);
	kvfree(bytes);
}

/**
 * lkmdemo_kunit_message() - make a message that goes with the test
 * @test: the test
 * @capacity: as for lkmdemo_kunit_message_init()
 * @length: as for lkmdemo_kunit_message_init()
 *
 * Return: The message.
 */
struct lkmdemo_message *lkmdemo_kunit_message(struct kunit *test,
					      size_t capacity, size_t length)
{
	struct lkmdemo_message *msg = lkmdemo_kunit_zalloc(test, sizeof(*msg));

	lkmdemo_kunit_message_init(test, msg, capacity, length);

	return msg;
}

/**
 * lkmdemo_kunit_read() - read from a message into kernel memory
 * @msg: the message
 * @pos: the position, moved by the read
 * @bytes: the memory
 * @count: room that the iterator claims to have, may be more than there is
 * @flags: IOCB_* of the call
 * @generation: where the generation goes
 *
 * Return: What lkmdemo_message_read() returned.
 */
ssize_t lkmdemo_kunit_read(struct lkmdemo_message *msg, loff_t *pos,
			   void *bytes, size_t count, int flags,
			   u64 *generation)
{
	struct kvec vec = { .iov_base = bytes, .iov_len = count };
	struct iov_iter to;

	iov_iter_kvec(&to, ITER_DEST, &vec, 1, count);
	return lkmdemo_message_read(msg, pos, &to, flags, generation);
}

/**
 * lkmdemo_kunit_write() - write to a message from kernel memory
 * @msg: the message
 * @pos: the position, moved by the write
 * @bytes: the memory
 * @count: bytes that the iterator claims to have, may be more than there are
 * @flags: IOCB_* of the call
 *
 * Return: What lkmdemo_message_write() returned.
 */
ssize_t lkmdemo_kunit_write(struct lkmdemo_message *msg, loff_t *pos,
			    const void *bytes, size_t count, int flags)
{
	struct kvec vec = { .iov_base = (void *)bytes, .iov_len = count };
	struct iov_iter from;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, count);
	return lkmdemo_message_write(msg, pos, &from, flags);
}

/**
 * lkmdemo_kunit_user_pages() - map user memory of which no page is present yet
 * @test: the test
 * @nr: how many pages
 *
 * Return: The address, for the thread of the test only.
 */
char __user *lkmdemo_kunit_user_pages(struct kunit *test, size_t nr)
{
	unsigned long addr;

	addr = kunit_vm_mmap(test, NULL, 0, nr * PAGE_SIZE,
			     PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));

	return (char __user *)addr;
}

/**
 * lkmdemo_kunit_user_hole() - map a user page with nothing mapped behind it
 * @test: the test
 *
 * Return: The end of the page: the bytes before it are good, those from it on
 * fault. For the thread of the test only.
 */
char __user *lkmdemo_kunit_user_hole(struct kunit *test)
{
	char __user *hole = lkmdemo_kunit_user_pages(test, 2) + PAGE_SIZE;

	KUNIT_ASSERT_EQ(test, vm_munmap((unsigned long)hole, PAGE_SIZE), 0);

	return hole;
}

static vm_fault_t slow_fault(struct vm_fault *vmf)
{
	struct lkmdemo_message *msg = vmf->vma->vm_private_data;
	loff_t pos = 0;

	/* A write would wait for ever where the tests are to fail. */
	if (raw_read_seqcount(&msg->lock.seqcount) & 1 ||
	    !spin_trylock(&msg->lock.lock))
		return VM_FAULT_SIGBUS;
	spin_unlock(&msg->lock.lock);

	if (lkmdemo_kunit_write(msg, &pos, "meanwhile", 9, 0) != 9)
		return VM_FAULT_SIGBUS;

	vmf->page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	return vmf->page ? 0 : VM_FAULT_OOM;
}

static const struct vm_operations_struct slow_vm_ops = {
	.fault	= slow_fault,
};

static int slow_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &slow_vm_ops;

	return 0;
}

static const struct file_operations slow_fops = {
	.owner	= THIS_MODULE,
	.mmap	= slow_mmap,
};

/* The file goes with the mapping, late, and would keep the module in use. */
static void slow_flush(void *unused)
{
	flush_delayed_fput();
}

/**
 * lkmdemo_kunit_slow_pages() - map user memory of which each page takes a while
 * @test: the test
 * @nr: how many pages
 * @msg: what somebody else writes "meanwhile" to, at 0, whenever a page is
 *	waited for; if it is locked then, the page never comes
 *
 * Return: The address of memory that is all zero once it has arrived, for the
 * thread of the test only.
 */
char __user *lkmdemo_kunit_slow_pages(struct kunit *test, size_t nr,
				      struct lkmdemo_message *msg)
{
	unsigned long addr;
	struct file *file;

	KUNIT_ASSERT_EQ(test, kunit_add_action(test, slow_flush, NULL), 0);
	file = anon_inode_getfile("[lkmdemo_kunit]", &slow_fops, msg, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	addr = kunit_vm_mmap(test, file, 0, nr * PAGE_SIZE,
			     PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	fput(file);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));

	return (char __user *)addr;
}

struct race {
	void (*fn)(void *data, unsigned int i);
	void *data;
	atomic_t missing;
	struct completion start;
	int cpus;
	atomic_t running;
	unsigned long duration;
};

struct race_thread {
	struct race *race;
	unsigned int i;
	struct task_struct *task;
};

static int race_thread(void *arg)
{
	struct race_thread *thread = arg;
	struct race *race = thread->race;
	unsigned long end;

	if (atomic_dec_and_test(&race->missing))
		complete_all(&race->start);
	else
		wait_for_completion(&race->start);

	/* Waking up takes longer than many a race: wait on every CPU. */
	atomic_inc(&race->running);
	while (atomic_read(&race->running) < race->cpus)
		cond_resched();

	end = jiffies + race->duration;
	do {
		race->fn(race->data, thread->i);
		cond_resched();
	} while (time_before(jiffies, end));

	return 0;
}

static void run_race(struct kunit *test, unsigned int nr,
		     void (*fn)(void *data, unsigned int i), void *data,
		     unsigned long duration)
{
	struct race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));
	struct race_thread *threads;
	unsigned int i;

	threads = lkmdemo_kunit_zalloc(test, array_size(nr, sizeof(*threads)));
	race->fn = fn;
	race->data = data;
	atomic_set(&race->missing, nr);
	init_completion(&race->start);
	race->cpus = min(nr, num_online_cpus());
	race->duration = duration;

	for (i = 0; i < nr; i++) {
		threads[i].race = race;
		threads[i].i = i;
		threads[i].task = kthread_create(race_thread, &threads[i],
						 "lkmdemo_kunit/%u", i);
		if (IS_ERR(threads[i].task))
			break;
		get_task_struct(threads[i].task);
	}

	if (i < nr) {
		while (i--)
			kthread_stop_put(threads[i].task);
		KUNIT_FAIL_AND_ABORT(test, "no thread %u of %u", i, nr);
	}

	for (i = 0; i < nr; i++)
		wake_up_process(threads[i].task);

	/* A thread that is stopped before it has begun would not call fn. */
	wait_for_completion(&race->start);
	for (i = 0; i < nr; i++)
		kthread_stop_put(threads[i].task);
}

/**
 * lkmdemo_kunit_race() - run a function in several threads at the same time
 * @test: the test
 * @nr: how many threads
 * @fn: called once in each, with @data and the number of the thread; must not
 *	assert, since that ends the thread only
 * @data: for @fn
 *
 * No thread calls @fn before all have arrived, and as many as there are
 * processors are running. Returns when all are through.
 */
void lkmdemo_kunit_race(struct kunit *test, unsigned int nr,
			void (*fn)(void *data, unsigned int i), void *data)
{
	run_race(test, nr, fn, data, 0);
}

/**
 * lkmdemo_kunit_race_on() - run a function in several threads, again and again
 * @test: as for lkmdemo_kunit_race()
 * @nr: as for lkmdemo_kunit_race()
 * @fn: as for lkmdemo_kunit_race(), but called at least once in each thread
 * @data: as for lkmdemo_kunit_race()
 *
 * Goes on for a time, not for a number of calls: the processors of a virtual
 * machine on a busy host may run at the same time for a small part of it only.
 */
void lkmdemo_kunit_race_on(struct kunit *test, unsigned int nr,
			   void (*fn)(void *data, unsigned int i), void *data)
{
	run_race(test, nr, fn, data,
		 msecs_to_jiffies(num_online_cpus() > 1 ? 200 : 10));
}

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("KUnit tests of the lkmdemo modules");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
