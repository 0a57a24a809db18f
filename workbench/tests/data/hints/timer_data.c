// SPDX-License-Identifier: GPL-2.0-only
#include <linux/timer.h>
#include <linux/module.h>

static struct timer_list demo_timer;

static int __init demo_init(void)
{
	demo_timer.data = 1;
	return 0;
}
module_init(demo_init);
