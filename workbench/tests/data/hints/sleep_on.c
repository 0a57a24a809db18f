// SPDX-License-Identifier: GPL-2.0-only
#include <linux/wait.h>
#include <linux/module.h>

static DECLARE_WAIT_QUEUE_HEAD(demo_queue);

static int __init demo_init(void)
{
	interruptible_sleep_on(&demo_queue);
	return 0;
}
module_init(demo_init);
