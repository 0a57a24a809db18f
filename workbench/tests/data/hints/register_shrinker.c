// SPDX-License-Identifier: GPL-2.0-only
#include <linux/shrinker.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return register_shrinker(NULL, "demo");
}
module_init(demo_init);
