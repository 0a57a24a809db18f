// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kallsyms.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return kallsyms_lookup_name("init_mm") ? 0 : -ENOENT;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
