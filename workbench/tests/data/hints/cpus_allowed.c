// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return cpumask_empty(&current->cpus_allowed);
}
module_init(demo_init);
