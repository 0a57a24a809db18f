// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int __init demo_init(void)
{
	return kthread_should_stop();
}
module_init(demo_init);
