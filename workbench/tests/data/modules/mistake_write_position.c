// SPDX-License-Identifier: GPL-2.0-only
/* The position moves to the end of the buffer. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

static char message[100];
static size_t length;

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, message, length);
}

static ssize_t device_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char *copy;

	if (count > sizeof(message))
		return -EINVAL;
	copy = memdup_user(from, count);
	if (IS_ERR(copy))
		return PTR_ERR(copy);
	memcpy(message, copy, count);
	length = count;
	kfree(copy);
	*pos = sizeof(message);
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
