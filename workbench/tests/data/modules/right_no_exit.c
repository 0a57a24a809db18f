// SPDX-License-Identifier: GPL-2.0-only
/* With an exit function the module can be unloaded. */

#include <linux/module.h>

static int __init demo_init(void)
{
	pr_info("loaded\n");
	return 0;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Message");
MODULE_LICENSE("GPL");
