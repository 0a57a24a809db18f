// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>
#include <uapi/linux/sched/types.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return sched_setscheduler(current, 0, NULL);
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
