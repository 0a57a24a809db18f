// SPDX-License-Identifier: GPL-2.0-only
/* The position moves by what is returned. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char message[] = "Hello from kernel\n";

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	if (*pos < 0 || *pos >= strlen(message))
		return 0;
	count = min(count, strlen(message) - (size_t)*pos);
	if (copy_to_user(to, message + *pos, count))
		return -EFAULT;
	*pos += count;
	return count;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.read = device_read,
	.llseek = default_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device with a greeting");
MODULE_LICENSE("GPL");
