// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	class_device_create(NULL, NULL, 0, NULL, "demo");
	return 0;
}
module_init(demo_init);
