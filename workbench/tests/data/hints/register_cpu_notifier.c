// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpu.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return register_cpu_notifier(NULL);
}
module_init(demo_init);
