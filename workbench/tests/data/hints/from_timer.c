// SPDX-License-Identifier: GPL-2.0-only
#include <linux/timer.h>
#include <linux/module.h>

struct demo {
	struct timer_list timer;
};

static void demo_func(struct timer_list *timer)
{
	struct demo *demo = from_timer(demo, timer, timer);

	mod_timer(&demo->timer, 0);
}

static struct demo demo_one;

static int __init demo_init(void)
{
	timer_setup(&demo_one.timer, demo_func, 0);
	return 0;
}
module_init(demo_init);
