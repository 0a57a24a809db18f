// SPDX-License-Identifier: GPL-2.0-only
#include <linux/idr.h>
#include <linux/module.h>

static DEFINE_IDA(demo_ida);

static int __init demo_init(void)
{
	return ida_simple_get(&demo_ida, 0, 0, GFP_KERNEL);
}
module_init(demo_init);
