// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of lkmdemo_counter that adds one to the shared counter at load.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/lkmdemo.h>
#include <linux/module.h>
#include <linux/printk.h>

static int __init lkmdemo_inc_init(void)
{
	lkmdemo_counter_add(LKMDEMO_COUNTER_SHARED, 1);
	pr_info("shared counter is now %lld\n",
		lkmdemo_counter_read(LKMDEMO_COUNTER_SHARED));

	return 0;
}
module_init(lkmdemo_inc_init);

static void __exit lkmdemo_inc_exit(void)
{
	pr_info("shared counter stays at %lld\n",
		lkmdemo_counter_read(LKMDEMO_COUNTER_SHARED));
}
module_exit(lkmdemo_inc_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Adds one to the shared lkmdemo counter at load");
MODULE_LICENSE("GPL");
