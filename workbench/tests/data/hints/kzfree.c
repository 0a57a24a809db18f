// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	kzfree(NULL);
	return 0;
}
module_init(demo_init);
