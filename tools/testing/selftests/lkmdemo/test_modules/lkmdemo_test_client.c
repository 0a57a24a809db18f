// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of lkmdemo_counter that is built out of tree. Its aliases are those of a
 * device with a fixed minor number, which depmod puts into its indexes.
 */
#include <linux/lkmdemo.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static int __init client_init(void)
{
	lkmdemo_counter_add(LKMDEMO_COUNTER_SHARED, 1);

	return 0;
}
module_init(client_init);

static void __exit client_exit(void)
{
	lkmdemo_counter_add(LKMDEMO_COUNTER_SHARED, -1);
}
module_exit(client_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Out-of-tree client of the lkmdemo counters, for tests");
MODULE_LICENSE("GPL");
MODULE_ALIAS_MISCDEV(137);
MODULE_ALIAS("devname:lkmdemo-test");
