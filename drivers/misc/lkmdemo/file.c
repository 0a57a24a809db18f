// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file operations of /dev/lkmdemo.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/lkmdemo.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <kunit/visibility.h>
#include <trace/events/lkmdemo.h>

#include "lkmdemo.h"

static bool lkmdemo_claim(struct lkmdemo_device *dev)
{
	if (READ_ONCE(dev->exclusive))
		return atomic_cmpxchg(&dev->openers, 0, 1) == 0;

	atomic_inc(&dev->openers);
	return true;
}

static int lkmdemo_open(struct inode *inode, struct file *file)
{
	/* misc_open() has put the misc device here. */
	struct lkmdemo_device *dev = container_of(file->private_data,
						  struct lkmdemo_device, misc);
	struct lkmdemo_info info;
	struct lkmdemo_file *lf;

	lf = kzalloc_obj(*lf, GFP_KERNEL_ACCOUNT);
	if (!lf)
		return -ENOMEM;

	if (!lkmdemo_claim(dev)) {
		kfree(lf);
		lkmdemo_counter_add(LKMDEMO_COUNTER_OPENS_REFUSED, 1);
		trace_lkmdemo_open(file->f_flags, -EBUSY);
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
	trace_lkmdemo_open(file->f_flags, 0);

	return 0;
}

static int lkmdemo_release(struct inode *inode, struct file *file)
{
	struct lkmdemo_file *lf = file->private_data;

	trace_lkmdemo_release(file->f_flags);
	atomic_dec(&lf->dev->openers);
	kfree(lf);

	return 0;
}

/* Account for a read. */
static ssize_t file_did_read(struct lkmdemo_file *lf, loff_t pos, size_t count,
			     ssize_t ret, u64 generation)
{
	trace_lkmdemo_read(pos, count, ret);
	if (ret < 0)
		return ret;

	WRITE_ONCE(lf->seen, generation);
	lkmdemo_counter_add(LKMDEMO_COUNTER_READS, 1);
	lkmdemo_counter_add(LKMDEMO_COUNTER_BYTES_READ, ret);

	return ret;
}

static ssize_t lkmdemo_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct lkmdemo_file *lf = iocb->ki_filp->private_data;
	size_t count = iov_iter_count(to);
	loff_t pos = iocb->ki_pos;
	u64 generation;
	ssize_t ret;

	ret = lkmdemo_message_read(&lf->dev->message, &iocb->ki_pos, to,
				   iocb->ki_flags, &generation);

	return file_did_read(lf, pos, count, ret, generation);
}

/* For read() and pread(), which can do without an iterator. */
static ssize_t lkmdemo_read(struct file *file, char __user *buf, size_t count,
			    loff_t *ppos)
{
	struct lkmdemo_file *lf = file->private_data;
	loff_t pos = *ppos;
	u64 generation;
	ssize_t ret;

	ret = lkmdemo_message_read_user(&lf->dev->message, ppos, buf, count,
					&generation);

	return file_did_read(lf, pos, count, ret, generation);
}

/* Account for a write; pos is the position after it. */
static ssize_t file_did_write(struct lkmdemo_file *lf, loff_t pos, size_t count,
			      ssize_t ret)
{
	trace_lkmdemo_write(pos - max(ret, 0), count, ret);
	if (ret < 0)
		return ret;

	pr_debug("wrote %zd bytes, length is %zu\n", ret,
		 READ_ONCE(lf->dev->message.length));

	lkmdemo_counter_add(LKMDEMO_COUNTER_WRITES, 1);
	lkmdemo_counter_add(LKMDEMO_COUNTER_BYTES_WRITTEN, ret);

	return ret;
}

static ssize_t lkmdemo_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct lkmdemo_file *lf = iocb->ki_filp->private_data;
	size_t count = iov_iter_count(from);
	ssize_t ret;

	ret = lkmdemo_message_write(&lf->dev->message, &iocb->ki_pos, from,
				    iocb->ki_flags);

	return file_did_write(lf, iocb->ki_pos, count, ret);
}

static ssize_t lkmdemo_write(struct file *file, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	struct lkmdemo_file *lf = file->private_data;
	ssize_t ret;

	ret = lkmdemo_message_write_user(&lf->dev->message, ppos, buf, count,
					 file->f_flags & O_APPEND ? IOCB_APPEND : 0);

	return file_did_write(lf, *ppos, count, ret);
}

static loff_t lkmdemo_llseek(struct file *file, loff_t offset, int whence)
{
	struct lkmdemo_file *lf = file->private_data;
	struct lkmdemo_message *msg = &lf->dev->message;

	switch (whence) {
	case SEEK_SET:
	case SEEK_CUR:
	case SEEK_END:
		return generic_file_llseek_size(file, offset, whence,
						msg->capacity,
						READ_ONCE(msg->length));
	default:
		return -EINVAL;
	}
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
	struct page *page = lkmdemo_message_page(vmf->vma->vm_private_data,
						 vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;

	get_page(page);
	vmf->page = page;

	return 0;
}

static const struct vm_operations_struct lkmdemo_vm_ops = {
	.fault = lkmdemo_fault,
};

static int lkmdemo_mmap_prepare(struct vm_area_desc *desc)
{
	struct lkmdemo_file *lf = desc->file->private_data;
	struct lkmdemo_message *msg = &lf->dev->message;
	unsigned long pages = PFN_UP(msg->capacity);

	if (desc->pgoff > pages || vma_desc_pages(desc) > pages - desc->pgoff)
		return -EINVAL;
	if (vma_desc_test_any(desc, VMA_WRITE_BIT))
		return -EPERM;

	/* Never writable later, never larger than the buffer. */
	vma_desc_clear_flags(desc, VMA_MAYWRITE_BIT);
	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT);
	desc->vm_ops = &lkmdemo_vm_ops;
	desc->private_data = msg;

	return 0;
}

static long lkmdemo_get_info(struct lkmdemo_message *msg, void __user *arg)
{
	struct lkmdemo_info info;

	lkmdemo_message_info(msg, &info);

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long lkmdemo_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	struct lkmdemo_file *lf = file->private_data;
	struct lkmdemo_message *msg = &lf->dev->message;
	long ret;

	switch (cmd) {
	case LKMDEMO_IOC_GET_INFO:
		ret = lkmdemo_get_info(msg, (void __user *)arg);
		break;
	case LKMDEMO_IOC_CLEAR:
		ret = -EBADF;
		if (file->f_mode & FMODE_WRITE) {
			lkmdemo_message_clear(msg);
			ret = 0;
		}
		break;
	default:
		ret = -ENOTTY;
	}
	trace_lkmdemo_ioctl(cmd, ret);

	return ret;
}

const struct file_operations lkmdemo_fops = {
	.owner		= THIS_MODULE,
	.open		= lkmdemo_open,
	.release	= lkmdemo_release,
	.llseek		= lkmdemo_llseek,
	.read		= lkmdemo_read,
	.write		= lkmdemo_write,
	.read_iter	= lkmdemo_read_iter,
	.write_iter	= lkmdemo_write_iter,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.poll		= lkmdemo_poll,
	.mmap_prepare	= lkmdemo_mmap_prepare,
	.unlocked_ioctl	= lkmdemo_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_fops);
