// SPDX-License-Identifier: GPL-2.0-only
/* A module without an exit function cannot be unloaded. */

#include <linux/module.h>

static int __init demo_init(void)
{
	pr_info("loaded\n");
	return 0;
}
module_init(demo_init);

MODULE_DESCRIPTION("Message");
MODULE_LICENSE("GPL");
