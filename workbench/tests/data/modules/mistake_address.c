// SPDX-License-Identifier: GPL-2.0-only
/* User space gets the address of the buffer. */

#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static char message[64];

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	int length = scnprintf(message, sizeof(message), "buffer %px\n", message);

	return simple_read_from_buffer(to, count, pos, message, length);
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

MODULE_DESCRIPTION("Device that describes its buffer");
MODULE_LICENSE("GPL");
