// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

int demo(void)
{
	return 0;
}

static int __init demo_init(void)
{
	return demo();
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
