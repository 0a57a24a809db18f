// SPDX-License-Identifier: GPL-2.0-only
/* User memory is accessed under a spinlock. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char message[] = "Hello from kernel\n";
static DEFINE_SPINLOCK(lock);

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	ssize_t ret;

	spin_lock(&lock);
	ret = simple_read_from_buffer(to, count, pos, message, strlen(message));
	spin_unlock(&lock);
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

MODULE_DESCRIPTION("Device with a spinlock");
MODULE_LICENSE("GPL");
