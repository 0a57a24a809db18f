// SPDX-License-Identifier: GPL-2.0-only
/* The number of the command is that of a smaller object. */

#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

struct info {
	int level;
	char name[12];
};

#define GET_INFO _IOR('%', 1, long)

static long device_unlocked_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	struct info info = { 7, "demo" };

	if (number != GET_INFO)
		return -ENOTTY;
	if (copy_to_user((void __user *)argument, &info, sizeof(info)))
		return -EFAULT;
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
