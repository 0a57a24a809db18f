// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return kmem_cache_alloc(NULL, SLAB_ATOMIC) ? 0 : -ENOMEM;
}
module_init(demo_init);
