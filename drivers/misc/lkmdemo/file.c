// SPDX-License-Identifier: GPL-2.0-only
/*
 * File operations of the device.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#define CREATE_TRACE_POINTS
#include <trace/events/lkmdemo.h>

#include "lkmdemo.h"

/* An open file description; @seen is the generation at the open or the last read. */
struct lkmdemo_file {
	struct lkmdemo_device *dev;
	u64 seen;
};

VISIBLE_IF_KUNIT bool lkmdemo_is_exclusive(struct lkmdemo_device *dev)
{
	KUNIT_STATIC_STUB_REDIRECT(lkmdemo_is_exclusive, dev);

	return READ_ONCE(dev->exclusive);
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_is_exclusive);

/* The check and the claim are one atomic operation. */
static bool lkmdemo_claim(struct lkmdemo_device *dev)
{
	int openers = atomic_read(&dev->openers);

	do {
		if (lkmdemo_is_exclusive(dev) && openers)
			return false;
	} while (!atomic_try_cmpxchg(&dev->openers, &openers, openers + 1));

	return true;
}

static int lkmdemo_do_open(struct lkmdemo_device *dev, struct file *file)
{
	struct lkmdemo_info info;
	struct lkmdemo_file *lf;

	/* The VFS rejects O_DIRECT only after this function has succeeded. */
	if (file->f_flags & O_DIRECT)
		return -EINVAL;

	lf = kzalloc_obj(*lf, GFP_KERNEL_ACCOUNT);
	if (!lf)
		return -ENOMEM;

	if (!lkmdemo_claim(dev)) {
		kfree(lf);
		lkmdemo_counter_add(LKMDEMO_COUNTER_OPENS_REFUSED, 1);
		return -EBUSY;
	}

	if (file->f_flags & O_TRUNC && file->f_mode & FMODE_WRITE)
		lkmdemo_message_clear(&dev->message);

	lf->dev = dev;
	lkmdemo_message_info(&dev->message, &info);
	lf->seen = info.generation;
	file->private_data = lf;
	file->f_mode |= FMODE_NOWAIT;
	lkmdemo_counter_add(LKMDEMO_COUNTER_OPENS, 1);

	return 0;
}

static int lkmdemo_open(struct inode *inode, struct file *file)
{
	/* misc_open() sets private_data to the misc device. */
	struct lkmdemo_device *dev = container_of(file->private_data, struct lkmdemo_device, misc);
	int ret = lkmdemo_do_open(dev, file);

	trace_lkmdemo_open(file->f_flags, ret);

	return ret;
}

static int lkmdemo_release(struct inode *inode, struct file *file)
{
	struct lkmdemo_file *lf = file->private_data;

	trace_lkmdemo_release(file->f_flags);
	atomic_dec(&lf->dev->openers);
	kfree(lf);

	return 0;
}

static ssize_t lkmdemo_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct lkmdemo_file *lf = iocb->ki_filp->private_data;
	size_t count = iov_iter_count(to);
	struct lkmdemo_info info __uninitialized;
	loff_t pos = iocb->ki_pos;
	ssize_t ret;

	/* The VFS handles empty vectors itself: treat all empty transfers alike. */
	if (!count)
		return 0;

	ret = lkmdemo_message_read(&lf->dev->message, iocb, to, &info);
	trace_lkmdemo_read(pos, count, ret);
	if (ret < 0)
		return ret;

	WRITE_ONCE(lf->seen, info.generation);
	lkmdemo_counter_add(LKMDEMO_COUNTER_READS, 1);
	lkmdemo_counter_add(LKMDEMO_COUNTER_BYTES_READ, ret);

	return ret;
}

static ssize_t lkmdemo_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct lkmdemo_file *lf = iocb->ki_filp->private_data;
	struct lkmdemo_message *msg = &lf->dev->message;
	size_t count = iov_iter_count(from);
	ssize_t ret;

	/* As in lkmdemo_read_iter(). */
	if (!count)
		return 0;

	ret = lkmdemo_message_write(msg, iocb, from);
	trace_lkmdemo_write(iocb->ki_pos - max(ret, 0), count, ret);
	if (ret < 0)
		return ret;

	pr_debug("wrote %zd bytes, length is %zu\n", ret, READ_ONCE(msg->length));
	lkmdemo_counter_add(LKMDEMO_COUNTER_WRITES, 1);
	lkmdemo_counter_add(LKMDEMO_COUNTER_BYTES_WRITTEN, ret);

	return ret;
}

static loff_t lkmdemo_llseek(struct file *file, loff_t offset, int whence)
{
	struct lkmdemo_file *lf = file->private_data;
	struct lkmdemo_message *msg = &lf->dev->message;

	/* The generic function also accepts SEEK_DATA and SEEK_HOLE. */
	if (whence < SEEK_SET || whence > SEEK_END)
		return -EINVAL;

	return generic_file_llseek_size(file, offset, whence, msg->capacity,
					READ_ONCE(msg->length));
}

static __poll_t lkmdemo_poll(struct file *file, poll_table *wait)
{
	struct lkmdemo_file *lf = file->private_data;
	struct lkmdemo_message *msg = &lf->dev->message;
	__poll_t mask = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
	struct lkmdemo_info info;

	poll_wait(file, &msg->changed, wait);
	lkmdemo_message_info(msg, &info);
	if (info.generation != READ_ONCE(lf->seen))
		mask |= EPOLLPRI;

	return mask;
}

static vm_fault_t lkmdemo_fault(struct vm_fault *vmf)
{
	struct lkmdemo_message *msg = vmf->vma->vm_private_data;

	/* lkmdemo_mmap_prepare() keeps mappings within the buffer. */
	vmf->page = vmalloc_to_page(msg->data + (vmf->pgoff << PAGE_SHIFT));
	get_page(vmf->page);

	return 0;
}

static const struct vm_operations_struct lkmdemo_vm_ops = {
	.fault = lkmdemo_fault,
};

static int lkmdemo_mmap_prepare(struct vm_area_desc *desc)
{
	struct lkmdemo_file *lf = desc->file->private_data;
	struct lkmdemo_message *msg = &lf->dev->message;

	/* The VFS rejects an offset that overflows. */
	if (desc->pgoff + vma_desc_pages(desc) > PFN_UP(msg->capacity))
		return -EINVAL;
	if (vma_desc_test_any(desc, VMA_WRITE_BIT))
		return -EPERM;

	/* Neither mprotect() nor mremap() may extend the mapping. */
	vma_desc_clear_flags(desc, VMA_MAYWRITE_BIT);
	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT);
	desc->vm_ops = &lkmdemo_vm_ops;
	desc->private_data = msg;

	return 0;
}

static long lkmdemo_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lkmdemo_file *lf = file->private_data;
	struct lkmdemo_message *msg = &lf->dev->message;
	struct lkmdemo_info info;
	long ret = -ENOTTY;

	switch (cmd) {
	case LKMDEMO_IOC_GET_INFO:
		lkmdemo_message_info(msg, &info);
		ret = copy_to_user((void __user *)arg, &info, sizeof(info)) ? -EFAULT : 0;
		break;
	case LKMDEMO_IOC_CLEAR:
		ret = file->f_mode & FMODE_WRITE ? 0 : -EBADF;
		if (!ret)
			lkmdemo_message_clear(msg);
		break;
	}
	trace_lkmdemo_ioctl(cmd, ret);

	return ret;
}

const struct file_operations lkmdemo_fops = {
	.owner		= THIS_MODULE,
	.open		= lkmdemo_open,
	.release	= lkmdemo_release,
	.llseek		= lkmdemo_llseek,
	.read_iter	= lkmdemo_read_iter,
	.write_iter	= lkmdemo_write_iter,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.poll		= lkmdemo_poll,
	.mmap_prepare	= lkmdemo_mmap_prepare,
	.unlocked_ioctl	= lkmdemo_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
