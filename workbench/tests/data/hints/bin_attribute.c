// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sysfs.h>

static ssize_t demo_read(struct file *file, struct kobject *kobj, struct bin_attribute *attr,
			 char *buf, loff_t off, size_t count)
{
	return 0;
}

struct bin_attribute demo_attr = {
	.read = demo_read,
};
