// SPDX-License-Identifier: GPL-2.0-only
#include <linux/highmem.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return kmap_atomic(NULL, 0) ? 0 : -ENOMEM;
}
module_init(demo_init);
