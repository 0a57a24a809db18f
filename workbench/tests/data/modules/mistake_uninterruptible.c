// SPDX-License-Identifier: GPL-2.0-only
/* A signal does not end the wait of a reader. */

#include <linux/bitops.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

static DECLARE_WAIT_QUEUE_HEAD(queue);
static unsigned long is_full;
static char byte;

static ssize_t device_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	if (!count)
		return 0;
	if (file->f_flags & O_NONBLOCK) {
		if (!test_and_clear_bit(0, &is_full))
			return -EAGAIN;
	} else {
		wait_event(queue, test_and_clear_bit(0, &is_full));
	}
	return put_user(byte, to) ? -EFAULT : 1;
}

static ssize_t device_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	if (!count)
		return 0;
	if (get_user(byte, from))
		return -EFAULT;
	set_bit(0, &is_full);
	wake_up(&queue);
	return 1;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.read = device_read,
	.write = device_write,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};
module_misc_device(device);

MODULE_DESCRIPTION("Device that passes bytes on");
MODULE_LICENSE("GPL");
