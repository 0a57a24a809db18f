// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sysctl.h>

static int demo_handler(struct ctl_table *table, int write, void *buffer, size_t *lenp, loff_t *ppos)
{
	return 0;
}

struct ctl_table demo_table[] = {
	{ .proc_handler = demo_handler },
};
