// SPDX-License-Identifier: GPL-2.0-only
/* Each file has a buffer of its own. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#define SIZE 64

static int device_open(struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(SIZE, GFP_KERNEL);
	return file->private_data ? 0 : -ENOMEM;
}

static int device_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	char *buffer = file->private_data;

	buffer[0] = 'x';
	return simple_read_from_buffer(to, count, pos, buffer, SIZE);
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read = device_read,
	.llseek = default_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device with a buffer");
MODULE_LICENSE("GPL");
