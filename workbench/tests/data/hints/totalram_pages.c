// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return totalram_pages << 1;
}
module_init(demo_init);
