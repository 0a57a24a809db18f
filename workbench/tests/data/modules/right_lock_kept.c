// SPDX-License-Identifier: GPL-2.0-only
/* A read that fails releases the semaphore. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/semaphore.h>
#include <linux/string.h>

static char message[] = "Hello from kernel\n";
static struct semaphore lock;

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	ssize_t ret;

	if (down_interruptible(&lock))
		return -ERESTARTSYS;
	ret = simple_read_from_buffer(to, count, pos, message, strlen(message));
	up(&lock);
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

static int __init device_init(void)
{
	sema_init(&lock, 1);
	return misc_register(&device);
}
module_init(device_init);

static void __exit device_exit(void)
{
	misc_deregister(&device);
}
module_exit(device_exit);

MODULE_DESCRIPTION("Device with a semaphore");
MODULE_LICENSE("GPL");
