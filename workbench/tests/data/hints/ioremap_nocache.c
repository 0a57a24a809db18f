// SPDX-License-Identifier: GPL-2.0-only
#include <linux/io.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	ioremap_nocache(0, 4096);
	return 0;
}
module_init(demo_init);
