// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int __init demo_init(void)
{
	usleep_range(100, 200);
	return 0;
}
module_init(demo_init);
