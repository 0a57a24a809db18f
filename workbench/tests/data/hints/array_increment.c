// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static char text[8];

static int __init demo_init(void)
{
	text++;
	return 0;
}
module_init(demo_init);
