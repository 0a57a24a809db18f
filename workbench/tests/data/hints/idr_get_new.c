// SPDX-License-Identifier: GPL-2.0-only
#include <linux/idr.h>
#include <linux/module.h>

static DEFINE_IDR(demo_idr);

static int __init demo_init(void)
{
	return idr_pre_get(&demo_idr, GFP_KERNEL);
}
module_init(demo_init);
