// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return find_task_by_pid(1) ? 0 : -ESRCH;
}
module_init(demo_init);
