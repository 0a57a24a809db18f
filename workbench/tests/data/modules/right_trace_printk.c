// SPDX-License-Identifier: GPL-2.0-only
/* pr_debug() can stay. */

#include <linux/module.h>

static int __init demo_init(void)
{
	pr_debug("loaded\n");
	return 0;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Trace of a load");
MODULE_LICENSE("GPL");
