// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return vm_insert_pfn(NULL, 0, 0);
}
module_init(demo_init);
