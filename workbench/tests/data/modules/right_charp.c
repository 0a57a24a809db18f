// SPDX-License-Identifier: GPL-2.0-only
/* The parameter is read under its lock. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>

static char *name = "default";
module_param(name, charp, 0644);

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	ssize_t ret;
	char *copy;

	kernel_param_lock(THIS_MODULE);
	copy = kstrdup(name, GFP_KERNEL);
	kernel_param_unlock(THIS_MODULE);
	if (!copy)
		return -ENOMEM;
	ret = simple_read_from_buffer(to, count, pos, copy, strlen(copy));
	kfree(copy);
	return ret;
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
