// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/@name@: a buffer that reads and writes like a small file. One process at
 * a time has it open.
 */
@if mmap
#include <linux/cacheflush.h>
@end
@if debugfs
#include <linux/debugfs.h>
@end
#include <linux/fs.h>
#include <linux/miscdevice.h>
@if mmap
#include <linux/mm.h>
@end
#include <linux/module.h>
#include <linux/mutex.h>
@if poll
#include <linux/poll.h>
@end
@if debugfs
#include <linux/seq_file.h>
@end
#include <linux/slab.h>
@if debugfs
#include <linux/string_choices.h>
@end
@if sysfs
#include <linux/sysfs.h>
@end
@if ioctl
#include <linux/uaccess.h>
@end
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <kunit/visibility.h>
@if ioctl
#include <uapi/linux/@name@.h>
@end

#include "@name@.h"

@if trace
#define CREATE_TRACE_POINTS
#include "trace.h"

@end
static struct @name@_device @name@_dev;

@if poll mmap netlink
/* Announce that the bytes or the length have changed. The lock is held. */
static void @name@_changed(struct @name@_device *dev)
{
@if mmap
	size_t at;

	/* Make the change visible in mappings where data caches alias. */
	for (at = 0; at < @NAME@_CAPACITY; at += PAGE_SIZE)
		flush_dcache_page(vmalloc_to_page(dev->data + at));
@end
@if poll
	wake_up_interruptible(&dev->changed);
@end
@if netlink
	@name@_netlink_notify(dev);
@end
}

@end
/* Copy bytes at @pos, for a read. Return their number, 0 at the end. */
static ssize_t
@name@_load(struct @name@_device *dev, loff_t pos, u8 *bytes, size_t count)
{
	if (pos >= dev->length)
		return 0;

	count = min_t(size_t, count, dev->length - pos);
	memcpy(bytes, dev->data + pos, count);

	return count;
}

/* Store the bytes that fit at @pos, for a write. Return their number. */
static ssize_t
@name@_store(struct @name@_device *dev, loff_t pos, const u8 *bytes, size_t count)
{
	if (pos >= @NAME@_CAPACITY)
		return -ENOSPC;

	count = min_t(size_t, count, @NAME@_CAPACITY - pos);
	memcpy(dev->data + pos, bytes, count);
	dev->length = max_t(size_t, dev->length, pos + count);
@if poll mmap netlink
	@name@_changed(dev);
@end

	return count;
}

/* Discard all bytes, for O_TRUNC. Bytes past the length are always zero. */
static void @name@_clear(struct @name@_device *dev)
{
	memset(dev->data, 0, dev->length);
	dev->length = 0;
@if poll mmap netlink
	@name@_changed(dev);
@end
}

static int @name@_open(struct inode *inode, struct file *file)
{
	struct @name@_device *dev;

	/* misc_open() sets private_data to the misc device. */
	dev = container_of(file->private_data, struct @name@_device, misc);

	/* The VFS rejects O_DIRECT only after this function has succeeded. */
	if (file->f_flags & O_DIRECT)
		return -EINVAL;

	guard(mutex)(&dev->lock);
	if (dev->open)
		return -EBUSY;

	dev->open = true;
	if (file->f_flags & O_TRUNC && file->f_mode & FMODE_WRITE)
		@name@_clear(dev);
	file->private_data = dev;

	return 0;
}

static int @name@_release(struct inode *inode, struct file *file)
{
	struct @name@_device *dev = file->private_data;

	guard(mutex)(&dev->lock);
	dev->open = false;

	return 0;
}

/* User memory is accessed without the lock: the access may wait for user space. */
static ssize_t @name@_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct @name@_device *dev = iocb->ki_filp->private_data;
	size_t count = min_t(size_t, iov_iter_count(to), @NAME@_CAPACITY);
	ssize_t ret;

	u8 *bytes __free(kfree) = kmalloc(count, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;

	mutex_lock(&dev->lock);
	ret = @name@_load(dev, iocb->ki_pos, bytes, count);
	mutex_unlock(&dev->lock);
	if (ret > 0)
		ret = copy_to_iter(bytes, ret, to) ?: -EFAULT;
@if trace
	trace_@name@_read(iocb->ki_pos, count, ret);
@end
	if (ret > 0)
		iocb->ki_pos += ret;

	return ret;
}

static ssize_t @name@_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct @name@_device *dev = iocb->ki_filp->private_data;
	size_t count = min_t(size_t, iov_iter_count(from), @NAME@_CAPACITY);
	ssize_t ret;

	/* The VFS handles empty vectors itself: treat all empty writes alike. */
	if (!count)
		return 0;

	u8 *bytes __free(kfree) = kmalloc(count, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	if (!copy_from_iter_full(bytes, count, from))
		return -EFAULT;

	mutex_lock(&dev->lock);
	if (iocb->ki_flags & IOCB_APPEND)
		iocb->ki_pos = dev->length;
	ret = @name@_store(dev, iocb->ki_pos, bytes, count);
	mutex_unlock(&dev->lock);
@if trace
	trace_@name@_write(iocb->ki_pos, count, ret);
@end
	if (ret > 0)
		iocb->ki_pos += ret;

	return ret;
}

static loff_t @name@_llseek(struct file *file, loff_t offset, int whence)
{
	struct @name@_device *dev = file->private_data;

	guard(mutex)(&dev->lock);

	return generic_file_llseek_size(file, offset, whence,
					@NAME@_CAPACITY, dev->length);
}

@if poll
static __poll_t @name@_poll(struct file *file, poll_table *wait)
{
	struct @name@_device *dev = file->private_data;
	loff_t pos = READ_ONCE(file->f_pos);
	__poll_t mask = 0;

	poll_wait(file, &dev->changed, wait);
	guard(mutex)(&dev->lock);
	if (pos < dev->length)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (pos < @NAME@_CAPACITY)
		mask |= EPOLLOUT | EPOLLWRNORM;

	return mask;
}

@end
@if mmap
static vm_fault_t @name@_fault(struct vm_fault *vmf)
{
	struct @name@_device *dev = vmf->vma->vm_private_data;

	/* @name@_mmap_prepare() keeps mappings within the buffer. */
	vmf->page = vmalloc_to_page(dev->data + (vmf->pgoff << PAGE_SHIFT));
	get_page(vmf->page);

	return 0;
}

static const struct vm_operations_struct @name@_vm_ops = {
	.fault = @name@_fault,
};

/* Read only: a store to memory would neither set the length nor notify pollers. */
static int @name@_mmap_prepare(struct vm_area_desc *desc)
{
	if (desc->pgoff + vma_desc_pages(desc) > PFN_UP(@NAME@_CAPACITY))
		return -EINVAL;
	if (vma_desc_test_any(desc, VMA_WRITE_BIT))
		return -EPERM;

	/* Neither mprotect() nor mremap() may extend the mapping. */
	vma_desc_clear_flags(desc, VMA_MAYWRITE_BIT);
	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT);
	desc->vm_ops = &@name@_vm_ops;
	desc->private_data = desc->file->private_data;

	return 0;
}

@end
@if ioctl
static long @name@_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct @name@_device *dev = file->private_data;
	struct @name@_info info = { .capacity = @NAME@_CAPACITY };

	switch (cmd) {
	case @NAME@_IOC_GET_INFO:
		scoped_guard(mutex, &dev->lock)
			info.length = dev->length;
		return copy_to_user((void __user *)arg, &info, sizeof(info)) ? -EFAULT : 0;
	case @NAME@_IOC_CLEAR:
		if (!(file->f_mode & FMODE_WRITE))
			return -EBADF;
		scoped_guard(mutex, &dev->lock)
			@name@_clear(dev);
		return 0;
	default:
		return -ENOTTY;
	}
}

@end
VISIBLE_IF_KUNIT const struct file_operations @name@_fops = {
	.owner		= THIS_MODULE,
	.open		= @name@_open,
	.release	= @name@_release,
	.llseek		= @name@_llseek,
	.read_iter	= @name@_read_iter,
	.write_iter	= @name@_write_iter,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
@if poll
	.poll		= @name@_poll,
@end
@if mmap
	.mmap_prepare	= @name@_mmap_prepare,
@end
@if ioctl
	.unlocked_ioctl	= @name@_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
@end
};
EXPORT_SYMBOL_IF_KUNIT(@name@_fops);

@if sysfs
static ssize_t capacity_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", @NAME@_CAPACITY);
}
static DEVICE_ATTR_RO(capacity);

static ssize_t length_show(struct device *device, struct device_attribute *attr, char *buf)
{
	/* misc_register() sets the driver data to the misc device. */
	struct miscdevice *misc = dev_get_drvdata(device);
	struct @name@_device *dev;

	dev = container_of(misc, struct @name@_device, misc);
	guard(mutex)(&dev->lock);

	return sysfs_emit(buf, "%zu\n", dev->length);
}
static DEVICE_ATTR_RO(length);

static struct attribute *@name@_attrs[] = {
	&dev_attr_capacity.attr,
	&dev_attr_length.attr,
	NULL
};
ATTRIBUTE_GROUPS(@name@);

@end
@if debugfs
static int @name@_state_show(struct seq_file *m, void *unused)
{
	struct @name@_device *dev = m->private;

	guard(mutex)(&dev->lock);
	seq_printf(m, "length: %zu\n", dev->length);
	seq_printf(m, "open: %s\n", str_yes_no(dev->open));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(@name@_state);

static struct dentry *@name@_debugfs;

@end
/* Initialise a zeroed device for misc_register(). Its data is for vfree(). */
VISIBLE_IF_KUNIT
int @name@_device_init(struct @name@_device *dev, const char *name)
{
	dev->data = vmalloc_user(@NAME@_CAPACITY);
	if (!dev->data)
		return -ENOMEM;

	mutex_init(&dev->lock);
@if poll
	init_waitqueue_head(&dev->changed);
@end
	dev->misc.minor = MISC_DYNAMIC_MINOR;
	dev->misc.name = name;
	dev->misc.fops = &@name@_fops;
	dev->misc.mode = 0600;
@if sysfs
	dev->misc.groups = @name@_groups;
@end

	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(@name@_device_init);

static int __init @name@_init(void)
{
	int ret;

	ret = @name@_device_init(&@name@_dev, "@name@");
	if (ret)
		return ret;

@if netlink
	ret = @name@_netlink_init(&@name@_dev);
	if (ret)
		goto err_free;

@end
	/* Last: the device may be open as soon as it is registered. */
	ret = misc_register(&@name@_dev.misc);
	if (ret)
@if netlink
		goto err_netlink;
@else
		goto err_free;
@end

@if debugfs
	/* Errors are ignored: the device works without debugfs. */
	@name@_debugfs = debugfs_create_dir("@name@", NULL);
	debugfs_create_file("state", 0400, @name@_debugfs, &@name@_dev,
			    &@name@_state_fops);

@end
	return 0;

@if netlink
err_netlink:
	@name@_netlink_exit();
@end
err_free:
	vfree(@name@_dev.data);
	return ret;
}
module_init(@name@_init);

static void __exit @name@_exit(void)
{
@if debugfs
	debugfs_remove(@name@_debugfs);
@end
	misc_deregister(&@name@_dev.misc);
@if netlink
	@name@_netlink_exit();
@end
	vfree(@name@_dev.data);
}
module_exit(@name@_exit);

MODULE_AUTHOR("@c_contact@");
MODULE_DESCRIPTION("Buffer that reads and writes like a small file");
MODULE_LICENSE("GPL");
