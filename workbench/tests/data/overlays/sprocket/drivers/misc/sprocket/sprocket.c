// SPDX-License-Identifier: GPL-2.0-only
/* A misc device from which a number of teeth can be read. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "sprocket.h"

static unsigned int teeth = 32;
module_param(teeth, uint, 0444);
MODULE_PARM_DESC(teeth, "number of teeth");

static ssize_t sprocket_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	char text[32];
	int len = sprocket_print(text, sizeof(text), teeth);

	return simple_read_from_buffer(buf, count, pos, text, len);
}

static const struct file_operations sprocket_fops = {
	.owner = THIS_MODULE,
	.read = sprocket_read,
	.llseek = default_llseek,
};

static struct miscdevice sprocket = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "sprocket",
	.fops = &sprocket_fops,
};
module_misc_device(sprocket);

MODULE_DESCRIPTION("Device that counts teeth");
MODULE_LICENSE("GPL");
