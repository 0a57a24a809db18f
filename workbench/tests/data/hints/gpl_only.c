// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return PTR_ERR_OR_ZERO(class_create("demo"));
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL-2.0");
