// SPDX-License-Identifier: GPL-2.0-only
/* The kernel reads user memory like its own. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

static char message[100];

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, message, strlen(message));
}

static ssize_t device_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	snprintf(message, sizeof(message), "%zu bytes: %.50s\n", count, (__force const char *)from);
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

MODULE_DESCRIPTION("Device that counts bytes");
MODULE_LICENSE("GPL");
