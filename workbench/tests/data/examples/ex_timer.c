// SPDX-License-Identifier: GPL-2.0-only

#include <linux/module.h>
#include <linux/timer.h>

static void ex_expired(struct timer_list *timer)
{
	mod_timer(timer, jiffies + 1);
}

static DEFINE_TIMER(timer, ex_expired);

static int __init ex_init(void)
{
	mod_timer(&timer, jiffies + 1);
	return 0;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	timer_shutdown_sync(&timer);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("A timer that starts itself again");
MODULE_LICENSE("GPL");
