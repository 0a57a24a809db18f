// SPDX-License-Identifier: GPL-2.0-only

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static const char text[] = "some text\n";

static ssize_t ex_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(buf, count, pos, text, sizeof(text) - 1);
}

static const struct file_operations ex_fops = {
	.owner = THIS_MODULE,
	.read = ex_read,
	.llseek = default_llseek,
};

static struct miscdevice ex_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ex_chardev",
	.fops = &ex_fops,
};
module_misc_device(ex_device);

MODULE_DESCRIPTION("A character device with a fixed text");
MODULE_LICENSE("GPL");
