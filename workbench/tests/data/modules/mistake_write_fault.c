// SPDX-License-Identifier: GPL-2.0-only
/* The result of copy_from_user() is ignored. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char message[100];

static ssize_t device_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char copy[sizeof(message)] = "";

	if (count > sizeof(copy))
		return -EINVAL;
	if (copy_from_user(copy, from, count))
		pr_debug("fault\n");
	memcpy(message, copy, count);
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

MODULE_DESCRIPTION("Device with a message");
MODULE_LICENSE("GPL");
