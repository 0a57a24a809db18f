// SPDX-License-Identifier: GPL-2.0-only
#include <linux/compiler.h>
#include <linux/module.h>

static int value;

static int __init demo_init(void)
{
	return ACCESS_ONCE(value);
}
module_init(demo_init);
