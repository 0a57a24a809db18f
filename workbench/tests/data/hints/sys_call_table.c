// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

extern void *sys_call_table[];

static int __init demo_init(void)
{
	return sys_call_table[0] ? 0 : -ENOSYS;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
