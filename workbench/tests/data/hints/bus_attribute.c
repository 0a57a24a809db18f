// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>

static ssize_t level_show(struct bus_type *bus, char *buf)
{
	return sysfs_emit(buf, "0\n");
}

BUS_ATTR_RO(level);
