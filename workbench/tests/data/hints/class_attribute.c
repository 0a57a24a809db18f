// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>

static ssize_t level_show(struct class *cls, struct class_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "0\n");
}

struct class_attribute demo_attr = __ATTR_RO(level);
