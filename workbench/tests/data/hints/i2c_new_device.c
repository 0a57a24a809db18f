// SPDX-License-Identifier: GPL-2.0-only
#include <linux/i2c.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	i2c_new_device(NULL, NULL);
	return 0;
}
module_init(demo_init);
