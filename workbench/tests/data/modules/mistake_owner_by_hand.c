// SPDX-License-Identifier: GPL-2.0-only
/* open takes the reference that it requires itself. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>

static char message[] = "Hello from kernel\n";

static int device_open(struct inode *inode, struct file *file)
{
	return try_module_get(THIS_MODULE) ? 0 : -ENODEV;
}

static int device_release(struct inode *inode, struct file *file)
{
	module_put(THIS_MODULE);
	return 0;
}

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, message, strlen(message));
}

static const struct file_operations device_fops = {
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

MODULE_DESCRIPTION("Device with a greeting");
MODULE_LICENSE("GPL");
