// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

kmem_cache_t *demo_cache;
