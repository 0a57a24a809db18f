// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return PTR_ERR_OR_ZERO(class_create(THIS_MODULE, "demo"));
}
module_init(demo_init);
