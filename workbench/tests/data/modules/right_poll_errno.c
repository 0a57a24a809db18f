// SPDX-License-Identifier: GPL-2.0-only
/* poll returns events. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>

static __poll_t device_poll(struct file *file, poll_table *wait)
{
	return EPOLLERR;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.poll = device_poll,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device without events");
MODULE_LICENSE("GPL");
