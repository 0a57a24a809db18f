// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file operations of /dev/lkmdemo.
 */
#include <linux/fs.h>
#include <linux/lkmdemo.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <kunit/visibility.h>

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
	struct lkmdemo_file *lf;

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
	lf->seen = lkmdemo_message_generation(&dev->message);
	file->private_data = lf;
	file->f_mode |= FMODE_NOWAIT;
	lkmdemo_counter_add(LKMDEMO_COUNTER_OPENS, 1);

	return 0;
}

static int lkmdemo_release(struct inode *inode, struct file *file)
{
	struct lkmdemo_file *lf = file->private_data;

	atomic_dec(&lf->dev->openers);
	kfree(lf);

	return 0;
}

static ssize_t lkmdemo_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct lkmdemo_file *lf = iocb->ki_filp->private_data;
	u64 generation;
	ssize_t ret;

	ret = lkmdemo_message_read(&lf->dev->message, &iocb->ki_pos, to,
				   iocb->ki_flags, &generation);
	if (ret < 0)
		return ret;

	WRITE_ONCE(lf->seen, generation);
	lkmdemo_counter_add(LKMDEMO_COUNTER_READS, 1);
	lkmdemo_counter_add(LKMDEMO_COUNTER_BYTES_READ, ret);

	return ret;
}

static ssize_t lkmdemo_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct lkmdemo_file *lf = iocb->ki_filp->private_data;
	ssize_t ret;

	ret = lkmdemo_message_write(&lf->dev->message, &iocb->ki_pos, from,
				    iocb->ki_flags);
	if (ret < 0)
		return ret;

	lkmdemo_counter_add(LKMDEMO_COUNTER_WRITES, 1);
	lkmdemo_counter_add(LKMDEMO_COUNTER_BYTES_WRITTEN, ret);

	return ret;
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
						lkmdemo_message_length(msg));
	default:
		return -EINVAL;
	}
}

const struct file_operations lkmdemo_fops = {
	.owner		= THIS_MODULE,
	.open		= lkmdemo_open,
	.release	= lkmdemo_release,
	.llseek		= lkmdemo_llseek,
	.read_iter	= lkmdemo_read_iter,
	.write_iter	= lkmdemo_write_iter,
};
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_fops);
