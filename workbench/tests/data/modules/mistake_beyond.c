// SPDX-License-Identifier: GPL-2.0-only
/* The whole buffer is copied, the length of the message is returned. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char message[64] = "Hello from kernel\n";

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	size_t length = strlen(message);

	if (*pos < 0 || *pos >= length)
		return 0;
	if (copy_to_user(to, message + *pos, min(count, sizeof(message) - (size_t)*pos)))
		return -EFAULT;
	count = min(count, length - (size_t)*pos);
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
