// SPDX-License-Identifier: GPL-2.0-only
/* The work ends before the module goes. */

#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/workqueue.h>

static struct delayed_work work;

static void tick(struct work_struct *unused)
{
	schedule_delayed_work(&work, HZ);
}

static int __init demo_init(void)
{
	INIT_DELAYED_WORK(&work, tick);
	schedule_delayed_work(&work, HZ);
	return 0;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	cancel_delayed_work_sync(&work);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Periodic work");
MODULE_LICENSE("GPL");
