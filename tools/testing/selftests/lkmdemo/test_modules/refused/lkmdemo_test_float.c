// SPDX-License-Identifier: GPL-2.0-only
/*
 * Computes with floating point numbers.
 */
#include <linux/module.h>

double lkmdemo_test_half(double value);

double lkmdemo_test_half(double value)
{
	return value / 2;
}

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Module that the compiler refuses, for tests");
MODULE_LICENSE("GPL");
