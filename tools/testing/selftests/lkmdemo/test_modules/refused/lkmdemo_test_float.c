// SPDX-License-Identifier: GPL-2.0-only
/*
 * Computes with floating point numbers.
 */
#include <linux/module.h>
#include <linux/printk.h>

static noinline double half(double value)
{
	return value / 2;
}

static int __init float_init(void)
{
	pr_info("half of 3 is more than %d\n", (int)half(3));

	return 0;
}
module_init(float_init);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Module that the compiler refuses, for tests");
MODULE_LICENSE("GPL");
