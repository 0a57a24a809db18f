// SPDX-License-Identifier: GPL-2.0-only
/* An offset outside the buffer is refused. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static char buffer[100];

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, buffer, sizeof(buffer));
}

static loff_t device_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, sizeof(buffer));
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.read = device_read,
	.llseek = device_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device with a buffer");
MODULE_LICENSE("GPL");
