// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int __init demo_init(void)
{
	return 0;
}
module_init(demo_init);
MODULE_LICENSE("GPL");
