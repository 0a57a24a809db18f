// SPDX-License-Identifier: GPL-2.0-only
/* All readers advance one pointer into the message. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char message[] = "Hello from kernel\n";
static char *next;

static int device_open(struct inode *inode, struct file *file)
{
	next = message;
	return 0;
}

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	size_t done;

	for (done = 0; done < count && *next; done++)
		if (put_user(*next++, to + done))
			return -EFAULT;
	return done;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.read = device_read,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device with a greeting");
MODULE_LICENSE("GPL");
