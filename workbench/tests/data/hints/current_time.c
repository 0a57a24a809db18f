// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return CURRENT_TIME_SEC;
}
module_init(demo_init);
