// SPDX-License-Identifier: GPL-2.0-only
/*
 * Computes with floating point numbers.
 */
#include <linux/module.h>

static noinline double lkmdemo_test_half(double value)
{
	return value / 2;
}

static int __init lkmdemo_test_float_init(void)
{
	return lkmdemo_test_half(1) ? 0 : -EINVAL;
}
module_init(lkmdemo_test_float_init);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Module that the compiler refuses, for tests");
MODULE_LICENSE("GPL");
