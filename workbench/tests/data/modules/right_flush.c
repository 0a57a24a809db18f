// SPDX-License-Identifier: GPL-2.0-only
/* The device is freed by the last close(2). */

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static atomic_t is_open;

static int device_open(struct inode *inode, struct file *file)
{
	return atomic_xchg(&is_open, 1) ? -EBUSY : 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	atomic_set(&is_open, 0);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device for one process at a time");
MODULE_LICENSE("GPL");
