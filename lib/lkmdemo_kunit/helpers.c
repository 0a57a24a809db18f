// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared by the suites: devices, open files, user memory that faults, threads
 * that start together.
 */
#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kdev_t.h>
#include <linux/kthread.h>
#include <linux/major.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/overflow.h>
#include <linux/poll.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>

#include "helpers.h"
#include "lkmdemo.h"

/* Holds the device nodes. The suites run one after the other. */
static struct vfsmount *ramfs;

/**
 * lkmdemo_kunit_zalloc() - allocate zeroed memory until the end of the test
 * @test: the test, which ends here if there is no memory
 * @size: number of bytes
 *
 * Return: The memory.
 */
void *lkmdemo_kunit_zalloc(struct kunit *test, size_t size)
{
	void *memory = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, memory);

	return memory;
}

/**
 * lkmdemo_kunit_bytes() - allocate memory that shows which bytes were written
 * @test: the test
 * @count: number of bytes
 *
 * Return: The memory, each byte LKMDEMO_KUNIT_UNTOUCHED.
 */
u8 *lkmdemo_kunit_bytes(struct kunit *test, size_t count)
{
	return memset(lkmdemo_kunit_zalloc(test, count), LKMDEMO_KUNIT_UNTOUCHED, count);
}

/**
 * lkmdemo_kunit_fill() - fill memory with bytes of a first message
 * @bytes: the memory
 * @start: offset in the message of the first byte
 * @count: number of bytes
 */
void lkmdemo_kunit_fill(u8 *bytes, size_t start, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		bytes[i] = lkmdemo_kunit_byte(start + i);
}

/**
 * lkmdemo_kunit_suite_init() - prepare a suite that opens devices
 * @suite: the suite
 *
 * Return: 0 or a negative errno.
 */
int lkmdemo_kunit_suite_init(struct kunit_suite *suite)
{
	struct file_system_type *type = get_fs_type("ramfs");

	if (!type)
		return -ENODEV;
	ramfs = kern_mount(type);

	return PTR_ERR_OR_ZERO(ramfs);
}

/**
 * lkmdemo_kunit_suite_exit() - undo lkmdemo_kunit_suite_init()
 * @suite: the suite
 */
void lkmdemo_kunit_suite_exit(struct kunit_suite *suite)
{
	kern_unmount(ramfs);
}

static void device_remove(void *data)
{
	struct lkmdemo_device *dev = data;
	unsigned long end = jiffies + 2 * HZ;

	/* The file of a mapping is released after the thread of the test ended. */
	while (atomic_read(&dev->openers) && time_before(jiffies, end)) {
		flush_delayed_fput();
		usleep_range(500, 1000);
	}
	misc_deregister(&dev->misc);
	/* Leak the device rather than free one that seems to be open. */
	if (atomic_read(&dev->openers)) {
		kunit_fail_current_test("the device has %d openers", atomic_read(&dev->openers));
		return;
	}
	vfree(dev->message.data);
	kfree(dev);
}

static int node_name(char *name, size_t size, dev_t node)
{
	return snprintf(name, size, "%u:%u", MAJOR(node), MINOR(node));
}

/**
 * lkmdemo_kunit_open_node() - open a device by its number
 * @node: the number
 * @flags: as for open(2)
 *
 * Return: The file, for __fput_sync(), or an error pointer.
 */
struct file *lkmdemo_kunit_open_node(dev_t node, int flags)
{
	struct path root = { .mnt = ramfs, .dentry = ramfs->mnt_root };
	char name[32];
	struct qstr qname = QSTR_INIT(name, node_name(name, sizeof(name), node));
	struct dentry *dentry = start_creating_noperm(root.dentry, &qname);
	int ret = 0;

	if (IS_ERR(dentry))
		return ERR_CAST(dentry);
	if (d_is_negative(dentry))
		ret = vfs_mknod(&nop_mnt_idmap, d_inode(root.dentry), dentry, S_IFCHR | 0600, node,
				NULL);
	end_creating(dentry);

	return ret ? ERR_PTR(ret) : file_open_root(&root, name, flags, 0);
}

/**
 * lkmdemo_kunit_device() - register a device until the end of the test
 * @test: the test
 * @capacity: capacity of the device
 * @length: length of the first message, which has the bytes of lkmdemo_kunit_byte()
 *
 * Return: The device, which is exclusive.
 */
struct lkmdemo_device *lkmdemo_kunit_device(struct kunit *test, size_t capacity, size_t length)
{
	struct lkmdemo_device *dev = kzalloc_obj(*dev);
	u8 *bytes = kvmalloc(length, GFP_KERNEL);
	int ret = -ENOMEM;

	if (dev && bytes) {
		lkmdemo_kunit_fill(bytes, 0, length);
		dev->exclusive = true;
		ret = lkmdemo_device_init(dev, "lkmdemo_kunit", capacity, bytes, length);
	}
	kvfree(bytes);
	if (!ret) {
		ret = misc_register(&dev->misc);
		if (ret)
			vfree(dev->message.data);
	}
	if (ret) {
		kfree(dev);
		dev = NULL;
	}
	KUNIT_ASSERT_NOT_NULL_MSG(test, dev, "error %d", ret);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, device_remove, dev), 0);

	return dev;
}

/**
 * lkmdemo_kunit_is_locked() - check whether a write to a device has to wait
 * @dev: the device
 *
 * For code that runs in the middle of a call: it must not write if the call holds
 * the lock.
 *
 * Return: Whether the message is locked.
 */
bool lkmdemo_kunit_is_locked(struct lkmdemo_device *dev)
{
	spinlock_t *lock = &dev->message.lock.lock;

	if (!spin_trylock(lock))
		return true;
	spin_unlock(lock);

	return false;
}

/**
 * lkmdemo_kunit_filp_open() - open a device
 * @dev: the device
 * @flags: as for open(2)
 *
 * Return: The file, for __fput_sync(), or an error pointer.
 */
struct file *lkmdemo_kunit_filp_open(struct lkmdemo_device *dev, int flags)
{
	return lkmdemo_kunit_open_node(MKDEV(MISC_MAJOR, dev->misc.minor), flags);
}

static void file_close(void *file)
{
	__fput_sync(file);
}

/**
 * lkmdemo_kunit_open() - open a device until the end of the test
 * @test: the test, which ends here if the open fails
 * @dev: the device
 * @flags: as for open(2)
 *
 * Return: The file.
 */
struct file *lkmdemo_kunit_open(struct kunit *test, struct lkmdemo_device *dev, int flags)
{
	struct file *file = lkmdemo_kunit_filp_open(dev, flags);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, file_close, file), 0);

	return file;
}

/**
 * lkmdemo_kunit_close() - close a file of lkmdemo_kunit_open()
 * @test: the test
 * @file: the file
 */
void lkmdemo_kunit_close(struct kunit *test, struct file *file)
{
	kunit_release_action(test, file_close, file);
}

/**
 * lkmdemo_kunit_file() - register a device and open it for reading and writing
 * @test: the test
 * @capacity: as for lkmdemo_kunit_device()
 * @length: as for lkmdemo_kunit_device()
 *
 * Return: The file.
 */
struct file *lkmdemo_kunit_file(struct kunit *test, size_t capacity, size_t length)
{
	return lkmdemo_kunit_open(test, lkmdemo_kunit_device(test, capacity, length), O_RDWR);
}

/**
 * lkmdemo_kunit_write_at() - write kernel memory
 * @file: the file
 * @bytes: the memory
 * @count: number of bytes
 * @pos: position
 *
 * Return: The result of the write.
 */
ssize_t lkmdemo_kunit_write_at(struct file *file, const void *bytes, size_t count, loff_t pos)
{
	return kernel_write(file, bytes, count, &pos);
}

/**
 * lkmdemo_kunit_append() - append kernel memory
 * @file: the file
 * @bytes: the memory
 * @count: number of bytes
 *
 * Return: The result of the write.
 */
ssize_t lkmdemo_kunit_append(struct file *file, const void *bytes, size_t count)
{
	struct kvec vec = { .iov_base = (void *)bytes, .iov_len = count };
	struct iov_iter from;
	loff_t pos = 0;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, count);

	return vfs_iter_write(file, &from, &pos, RWF_APPEND);
}

/**
 * lkmdemo_kunit_read_user() - read into user memory
 * @file: the file
 * @user: the memory
 * @count: number of bytes
 * @pos: position, which the read moves
 *
 * Return: The result of the read.
 */
ssize_t lkmdemo_kunit_read_user(struct file *file, char __user *user, size_t count, loff_t *pos)
{
	struct iov_iter to;

	iov_iter_ubuf(&to, ITER_DEST, user, count);

	return vfs_iter_read(file, &to, pos, 0);
}

/**
 * lkmdemo_kunit_write_user() - write user memory
 * @file: the file
 * @user: the memory
 * @count: number of bytes
 * @pos: position, which the write moves
 *
 * Return: The result of the write.
 */
ssize_t lkmdemo_kunit_write_user(struct file *file, char __user *user, size_t count, loff_t *pos)
{
	struct iov_iter from;

	iov_iter_ubuf(&from, ITER_SOURCE, user, count);

	return vfs_iter_write(file, &from, pos, 0);
}

/**
 * lkmdemo_kunit_clear() - call LKMDEMO_IOC_CLEAR
 * @file: the file
 *
 * Return: The result of the ioctl.
 */
long lkmdemo_kunit_clear(struct file *file)
{
	return file->f_op->unlocked_ioctl(file, LKMDEMO_IOC_CLEAR, 0);
}

/**
 * lkmdemo_kunit_info() - call LKMDEMO_IOC_GET_INFO
 * @test: the test
 * @file: the file
 *
 * Return: The result.
 */
struct lkmdemo_info lkmdemo_kunit_info(struct kunit *test, struct file *file)
{
	char __user *user = lkmdemo_kunit_user_pages(test, 1);
	struct lkmdemo_info info = {};

	KUNIT_EXPECT_EQ(test, file->f_op->unlocked_ioctl(file, LKMDEMO_IOC_GET_INFO,
							 (unsigned long)user), 0);
	KUNIT_EXPECT_EQ(test, copy_from_user(&info, user, sizeof(info)), 0);
	KUNIT_EXPECT_EQ(test, vm_munmap((unsigned long)user, PAGE_SIZE), 0);

	return info;
}

/**
 * lkmdemo_kunit_is_urgent() - poll for a change
 * @file: the file
 *
 * Return: Whether EPOLLPRI is set.
 */
bool lkmdemo_kunit_is_urgent(struct file *file)
{
	return vfs_poll(file, NULL) & EPOLLPRI;
}

/**
 * lkmdemo_kunit_expect_message() - expect a message, and zeros after it
 * @test: the test
 * @file: a file that is open for reading
 * @bytes: the message
 * @length: its length
 * @generation: its generation
 *
 * Looks at a mapping, which shows the bytes past the length as well.
 */
void lkmdemo_kunit_expect_message(struct kunit *test, struct file *file, const u8 *bytes,
				  size_t length, u64 generation)
{
	struct lkmdemo_info info = lkmdemo_kunit_info(test, file);
	size_t size = PAGE_ALIGN(info.capacity);
	unsigned long addr;
	u8 *seen;

	KUNIT_EXPECT_EQ(test, info.length, length);
	KUNIT_EXPECT_EQ(test, info.generation, generation);

	seen = kunit_kmalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seen);
	addr = kunit_vm_mmap(test, file, 0, size, PROT_READ, MAP_SHARED, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_EQ(test, copy_from_user(seen, (void __user *)addr, size), 0);
	KUNIT_EXPECT_EQ(test, vm_munmap(addr, size), 0);

	KUNIT_EXPECT_EQ(test, memcmp(seen, bytes, length), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(seen + length, 0, size - length));
}

/**
 * lkmdemo_kunit_user_pages() - map user memory that is not resident
 * @test: the test
 * @nr: number of pages
 *
 * Return: The address, for the thread of the test only.
 */
char __user *lkmdemo_kunit_user_pages(struct kunit *test, size_t nr)
{
	unsigned long addr;

	addr = kunit_vm_mmap(test, NULL, 0, nr * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));

	return (char __user *)addr;
}

/**
 * lkmdemo_kunit_user_hole() - map a page of user memory with a hole after it
 * @test: the test
 *
 * Return: The end of the page, where the hole starts. For the thread of the test
 * only.
 */
char __user *lkmdemo_kunit_user_hole(struct kunit *test)
{
	char __user *hole = lkmdemo_kunit_user_pages(test, 2) + PAGE_SIZE;

	KUNIT_ASSERT_EQ(test, vm_munmap((unsigned long)hole, PAGE_SIZE), 0);

	return hole;
}

struct slow_pages {
	bool (*arrive)(void *data);
	void *data;
};

static vm_fault_t slow_fault(struct vm_fault *vmf)
{
	struct slow_pages *slow = vmf->vma->vm_private_data;

	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	if (!slow->arrive(slow->data))
		return VM_FAULT_SIGBUS;

	vmf->page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	return vmf->page ? 0 : VM_FAULT_OOM;
}

static const struct vm_operations_struct slow_vm_ops = {
	.fault	= slow_fault,
};

static int slow_mmap_prepare(struct vm_area_desc *desc)
{
	desc->private_data = desc->file->private_data;
	desc->vm_ops = &slow_vm_ops;

	return 0;
}

static const struct file_operations slow_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= slow_mmap_prepare,
};

/* The file of a mapping is released late, and keeps the module in use. */
static void slow_flush(void *unused)
{
	flush_delayed_fput();
}

/**
 * lkmdemo_kunit_slow_pages() - map user memory whose pages take a while to arrive
 * @test: the test
 * @nr: number of pages
 * @arrive: called when a page is faulted in; the fault fails if it returns false
 * @data: for @arrive
 *
 * A fault that must not wait fails. The memory is zero.
 *
 * Return: The address, for the thread of the test only.
 */
char __user *lkmdemo_kunit_slow_pages(struct kunit *test, size_t nr, bool (*arrive)(void *data),
				      void *data)
{
	struct slow_pages *slow = lkmdemo_kunit_zalloc(test, sizeof(*slow));
	unsigned long addr;
	struct file *file;

	slow->arrive = arrive;
	slow->data = data;
	KUNIT_ASSERT_EQ(test, kunit_add_action(test, slow_flush, NULL), 0);
	file = anon_inode_getfile("[lkmdemo_kunit]", &slow_fops, slow, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	addr = kunit_vm_mmap(test, file, 0, nr * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	fput(file);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));

	return (char __user *)addr;
}

/**
 * lkmdemo_kunit_expect_user_bytes() - expect bytes in user memory
 * @test: the test
 * @user: the user memory
 * @bytes: the bytes
 * @count: their number
 */
void lkmdemo_kunit_expect_user_bytes(struct kunit *test, const char __user *user, const u8 *bytes,
				     size_t count)
{
	u8 *seen = lkmdemo_kunit_bytes(test, count);

	KUNIT_EXPECT_EQ(test, copy_from_user(seen, user, count), 0);
	KUNIT_EXPECT_EQ(test, memcmp(seen, bytes, count), 0);
}

struct race {
	void (*fn)(void *data, unsigned int i);
	void *data;
	atomic_t missing;
	struct completion start;
	int cpus;
	atomic_t running;
	unsigned long duration;
	/* The thread of the last call, and the number of threads with fewer than OVERLAPS. */
	unsigned int last;
	atomic_t left;
};

struct race_thread {
	struct race *race;
	unsigned int i;
	struct task_struct *task;
};

/* The number of times that calls of others must come between those of each thread. */
#define OVERLAPS	30

static int race_thread(void *arg)
{
	struct race_thread *thread = arg;
	struct race *race = thread->race;
	unsigned int overlaps = 0;
	unsigned long end;

	if (atomic_dec_and_test(&race->missing))
		complete_all(&race->start);
	else
		wait_for_completion(&race->start);

	/* A wake-up takes longer than the race: start only when all CPUs run a thread. */
	atomic_inc(&race->running);
	while (atomic_read(&race->running) < race->cpus)
		cond_resched();

	end = jiffies + race->duration;
	do {
		race->fn(race->data, thread->i);
		if (READ_ONCE(race->last) != thread->i) {
			WRITE_ONCE(race->last, thread->i);
			if (++overlaps == OVERLAPS)
				atomic_dec(&race->left);
		}
		cond_resched();
	} while (time_before(jiffies, end) && atomic_read(&race->left));

	return 0;
}

static void run_race(struct kunit *test, unsigned int nr, void (*fn)(void *data, unsigned int i),
		     void *data, unsigned long duration)
{
	struct race *race = lkmdemo_kunit_zalloc(test, sizeof(*race));
	struct race_thread *threads;
	unsigned int i;

	threads = lkmdemo_kunit_zalloc(test, array_size(nr, sizeof(*threads)));
	race->fn = fn;
	race->data = data;
	atomic_set(&race->missing, nr);
	atomic_set(&race->left, nr);
	init_completion(&race->start);
	race->cpus = min(nr, num_online_cpus());
	race->duration = duration;

	for (i = 0; i < nr; i++) {
		threads[i].race = race;
		threads[i].i = i;
		threads[i].task = kthread_create(race_thread, &threads[i], "lkmdemo_kunit/%u", i);
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

	/* A thread that is stopped before it started does not call fn. */
	wait_for_completion(&race->start);
	for (i = 0; i < nr; i++)
		kthread_stop_put(threads[i].task);
}

/**
 * lkmdemo_kunit_race() - call a function from several threads at the same time
 * @test: the test
 * @nr: number of threads
 * @fn: called once by each thread, with @data and the number of the thread; must
 *	not assert, because that ends the thread only
 * @data: for @fn
 *
 * No thread calls @fn before all threads exist and each online CPU, or each
 * thread, runs. Returns when all calls have returned.
 */
void lkmdemo_kunit_race(struct kunit *test, unsigned int nr,
			void (*fn)(void *data, unsigned int i), void *data)
{
	run_race(test, nr, fn, data, 0);
}

/**
 * lkmdemo_kunit_race_on() - call a function from several threads repeatedly
 * @test: the test
 * @nr: number of threads
 * @fn: as for lkmdemo_kunit_race(), but called at least once by each thread
 * @data: for @fn
 *
 * The calls go on until those of others have often come between those of each thread, or
 * for a time: on a busy host the CPUs of a virtual machine may run at the same time only
 * for a small part of it. With one CPU, each thread makes one call.
 */
void lkmdemo_kunit_race_on(struct kunit *test, unsigned int nr,
			   void (*fn)(void *data, unsigned int i), void *data)
{
	run_race(test, nr, fn, data, msecs_to_jiffies(num_online_cpus() > 1 ? 200 : 0));
}

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("KUnit tests of the lkmdemo modules");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
