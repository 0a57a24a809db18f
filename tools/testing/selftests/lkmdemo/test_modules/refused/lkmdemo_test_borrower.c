// SPDX-License-Identifier: GPL-2.0-only
/*
 * Declares no GPL-compatible licence, and uses a symbol that is exported as GPL only.
 */
#include <linux/lkmdemo.h>
#include <linux/module.h>

static int __init borrower_init(void)
{
	lkmdemo_counter_add(LKMDEMO_COUNTER_SHARED, 1);

	return 0;
}
module_init(borrower_init);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Module that modpost refuses, for tests");
MODULE_LICENSE("Proprietary");
