// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>

static char *demo_devnode(struct device *dev, umode_t *mode)
{
	return NULL;
}

struct class demo_class = {
	.name = "demo",
	.devnode = demo_devnode,
};
