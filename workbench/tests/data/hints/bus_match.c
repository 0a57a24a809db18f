// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>

static int demo_match(struct device *dev, struct device_driver *drv)
{
	return 1;
}

struct bus_type demo_bus = {
	.name = "demo",
	.match = demo_match,
};
