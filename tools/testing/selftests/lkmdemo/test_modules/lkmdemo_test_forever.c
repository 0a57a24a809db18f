// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lacks an exit function, so that it cannot be unloaded.
 */
#include <linux/module.h>

static int __init forever_init(void)
{
	return 0;
}
module_init(forever_init);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Module without an exit function, for tests");
MODULE_LICENSE("GPL");
