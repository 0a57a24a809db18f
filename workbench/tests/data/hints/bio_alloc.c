// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bio.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return bio_alloc(GFP_KERNEL, 1) ? 0 : -ENOMEM;
}
module_init(demo_init);
