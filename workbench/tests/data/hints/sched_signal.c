// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return signal_pending(current);
}
module_init(demo_init);
