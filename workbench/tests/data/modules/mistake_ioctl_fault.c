// SPDX-License-Identifier: GPL-2.0-only
/* The result of put_user() is ignored. */

#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#define GET_LEVEL _IOR('%', 1, int)

static long device_unlocked_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	if (number != GET_LEVEL)
		return -ENOTTY;
	put_user(7, (int __user *)argument);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_unlocked_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device with a level");
MODULE_LICENSE("GPL");
