// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of lkmdemo_counter that subtracts one from the shared counter at load.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/lkmdemo.h>
#include <linux/module.h>
#include <linux/printk.h>

static int __init lkmdemo_dec_init(void)
{
	lkmdemo_counter_add(LKMDEMO_COUNTER_SHARED, -1);
	pr_info("shared counter is now %lld\n",
		lkmdemo_counter_read(LKMDEMO_COUNTER_SHARED));

	return 0;
}
module_init(lkmdemo_dec_init);

static void __exit lkmdemo_dec_exit(void)
{
	pr_info("shared counter stays at %lld\n",
		lkmdemo_counter_read(LKMDEMO_COUNTER_SHARED));
}
module_exit(lkmdemo_dec_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Subtracts one from the shared lkmdemo counter at load");
MODULE_LICENSE("GPL");
