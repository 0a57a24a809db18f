// SPDX-License-Identifier: GPL-2.0-only
/* A read returns zeros until somebody writes. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>

#define SIZE 256

static char *buffer;

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, buffer, SIZE);
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

static int __init device_init(void)
{
	int ret;

	buffer = kzalloc(SIZE, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	ret = misc_register(&device);
	if (ret)
		kfree(buffer);
	return ret;
}
module_init(device_init);

static void __exit device_exit(void)
{
	misc_deregister(&device);
	kfree(buffer);
}
module_exit(device_exit);

MODULE_DESCRIPTION("Device with a buffer");
MODULE_LICENSE("GPL");
