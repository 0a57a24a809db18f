// SPDX-License-Identifier: GPL-2.0-only
/* A write returns what it has stored. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

static char level;

static ssize_t device_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	if (count && get_user(level, from))
		return -EFAULT;
	return count;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.write = device_write,
	.llseek = default_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device with a level");
MODULE_LICENSE("GPL");
