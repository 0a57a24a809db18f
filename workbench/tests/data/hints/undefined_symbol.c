// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

extern int demo_total;

static int __init demo_init(void)
{
	return demo_total;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
