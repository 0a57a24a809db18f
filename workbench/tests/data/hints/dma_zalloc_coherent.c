// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-mapping.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	dma_zalloc_coherent(NULL, 4096, NULL, GFP_KERNEL);
	return 0;
}
module_init(demo_init);
