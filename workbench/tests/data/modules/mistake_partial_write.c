// SPDX-License-Identifier: GPL-2.0-only
/* A fault leaves a part of the new message. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char message[100];
static size_t length;

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, message, length);
}

static ssize_t device_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	if (count > sizeof(message))
		return -EINVAL;
	if (copy_from_user(message, from, count))
		return -EFAULT;
	length = count;
	return count;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.read = device_read,
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
