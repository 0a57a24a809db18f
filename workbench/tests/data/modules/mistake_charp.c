// SPDX-License-Identifier: GPL-2.0-only
/* The string is freed while it is read: a write of the parameter frees it. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char *name = "default";
module_param(name, charp, 0644);

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	size_t done = 0;
	char *from;

	for (from = name; *from && done < count; from++)
		if (*pos <= from - name && put_user(*from, to + done++))
			return -EFAULT;
	*pos += done;
	return done;
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

MODULE_DESCRIPTION("Device with a name");
MODULE_LICENSE("GPL");
