// SPDX-License-Identifier: GPL-2.0-only

#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#define EX_IOC_DOUBLE _IOWR(0xEE, 0x10, __u32)

static long ex_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	u32 __user *user = (u32 __user *)arg;
	u32 value;

	if (cmd != EX_IOC_DOUBLE)
		return -ENOTTY;
	if (get_user(value, user))
		return -EFAULT;
	return put_user(value * 2, user);
}

static const struct file_operations ex_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ex_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice ex_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ex_ioctl",
	.fops = &ex_fops,
};
module_misc_device(ex_device);

MODULE_DESCRIPTION("A device with an ioctl");
MODULE_LICENSE("GPL");
