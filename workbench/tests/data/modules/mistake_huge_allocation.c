// SPDX-License-Identifier: GPL-2.0-only
/* The caller says how much the kernel allocates. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static ssize_t device_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char *copy = kmalloc(count, GFP_KERNEL);

	if (!copy)
		return -ENOMEM;
	if (copy_from_user(copy, from, count))
		count = -EFAULT;
	kfree(copy);
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

MODULE_DESCRIPTION("Device that takes bytes");
MODULE_LICENSE("GPL");
