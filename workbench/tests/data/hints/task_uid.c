// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return current->uid;
}
module_init(demo_init);
