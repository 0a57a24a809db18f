// SPDX-License-Identifier: GPL-2.0-only

#include <linux/module.h>
#include <linux/workqueue.h>

static unsigned int rounds;

static void ex_work(struct work_struct *work)
{
	rounds++;
	schedule_delayed_work(to_delayed_work(work), 1);
}

static DECLARE_DELAYED_WORK(work, ex_work);

static int __init ex_init(void)
{
	schedule_delayed_work(&work, 0);
	return 0;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	cancel_delayed_work_sync(&work);
	pr_info("%u rounds\n", rounds);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("Work that repeats itself");
MODULE_LICENSE("GPL");
