// SPDX-License-Identifier: GPL-2.0-only
#include <linux/workqueue.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	flush_scheduled_work();
	return 0;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
