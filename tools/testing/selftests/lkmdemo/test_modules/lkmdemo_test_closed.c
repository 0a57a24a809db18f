// SPDX-License-Identifier: GPL-2.0-only
/*
 * Declares no GPL-compatible licence, and uses a symbol that such a module may use.
 */
#include <linux/lkmdemo.h>
#include <linux/module.h>
#include <linux/printk.h>

static int __init closed_init(void)
{
	pr_info(KBUILD_MODNAME ": shared counter is %lld\n",
		lkmdemo_counter_read(LKMDEMO_COUNTER_SHARED));

	return 0;
}
module_init(closed_init);

static void __exit closed_exit(void)
{
}
module_exit(closed_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Module without a GPL-compatible licence, for tests");
MODULE_LICENSE("Proprietary");
