// SPDX-License-Identifier: GPL-2.0-only
/* The owner of the file operations has the reference. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>

static char message[] = "Hello from kernel\n";

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, message, strlen(message));
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
