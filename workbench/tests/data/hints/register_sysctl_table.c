// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sysctl.h>
#include <linux/module.h>

static struct ctl_table demo_table[1];

static int __init demo_init(void)
{
	register_sysctl_table(demo_table);
	return 0;
}
module_init(demo_init);
