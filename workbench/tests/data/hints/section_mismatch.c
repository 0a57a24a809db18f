// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static noinline void __init demo_reset(void)
{
	pr_info("reset\n");
}

void demo_again(void);
void demo_again(void)
{
	demo_reset();
}
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
