// SPDX-License-Identifier: GPL-2.0-only
/* The device is a stream, and yet pread(2) works. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char message[] = "Hello from kernel\n";

static int device_open(struct inode *inode, struct file *file)
{
	size_t *next = kzalloc(sizeof(*next), GFP_KERNEL);

	if (!next)
		return -ENOMEM;
	file->private_data = next;
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	size_t *next = file->private_data;

	count = min(count, strlen(message) - *next);
	if (copy_to_user(to, message + *next, count))
		return -EFAULT;
	*next += count;
	return count;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read = device_read,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Stream of a greeting");
MODULE_LICENSE("GPL");
