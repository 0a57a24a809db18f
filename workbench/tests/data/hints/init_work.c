// SPDX-License-Identifier: GPL-2.0-only
#include <linux/workqueue.h>
#include <linux/module.h>

static void demo_func(void *data)
{
}

static struct work_struct demo_work;

static int __init demo_init(void)
{
	INIT_WORK(&demo_work, demo_func, NULL);
	return 0;
}
module_init(demo_init);
