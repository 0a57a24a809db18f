// SPDX-License-Identifier: GPL-2.0-only
#include <linux/semaphore.h>
#include <linux/module.h>

static struct semaphore demo_sem;

static int __init demo_init(void)
{
	init_MUTEX(&demo_sem);
	return 0;
}
module_init(demo_init);
