// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	usleep(100);
	return 0;
}
module_init(demo_init);
