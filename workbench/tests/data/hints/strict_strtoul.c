// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return strict_strtoul("1", 10, NULL);
}
module_init(demo_init);
