// SPDX-License-Identifier: GPL-2.0-only
#include <linux/vmalloc.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return __vmalloc(4096, 0, 0) ? 0 : -ENOMEM;
}
module_init(demo_init);
