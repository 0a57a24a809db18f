// SPDX-License-Identifier: GPL-2.0-only
#include <linux/interrupt.h>
#include <linux/module.h>

static void demo_func(struct tasklet_struct *tasklet)
{
}

static struct tasklet_struct demo_tasklet;

static int __init demo_init(void)
{
	tasklet_init(&demo_tasklet, demo_func, 0);
	return 0;
}
module_init(demo_init);
