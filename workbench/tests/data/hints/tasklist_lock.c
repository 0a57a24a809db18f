// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched/task.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	read_lock(&tasklist_lock);
	return 0;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
