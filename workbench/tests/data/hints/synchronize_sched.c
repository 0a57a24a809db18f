// SPDX-License-Identifier: GPL-2.0-only
#include <linux/rcupdate.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	synchronize_sched();
	return 0;
}
module_init(demo_init);
