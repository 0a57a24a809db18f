// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int size = 8;
module_param(size, int, 0);

static int __init demo_init(void)
{
	char buf[size];

	return sprintf(buf, "x") - 1;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
