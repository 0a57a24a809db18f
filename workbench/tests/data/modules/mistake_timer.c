// SPDX-License-Identifier: GPL-2.0-only
/* The timer still runs when the module is gone. */

#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/timer.h>

static struct timer_list timer;

static void expire(struct timer_list *unused)
{
	mod_timer(&timer, jiffies + HZ);
}

static int __init demo_init(void)
{
	timer_setup(&timer, expire, 0);
	mod_timer(&timer, jiffies + HZ);
	return 0;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Timer");
MODULE_LICENSE("GPL");
