// SPDX-License-Identifier: GPL-2.0-only
/* ENOTSUPP is an errno of the kernel alone. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return -ENOTSUPP;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.read = device_read,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device that supports nothing");
MODULE_LICENSE("GPL");
