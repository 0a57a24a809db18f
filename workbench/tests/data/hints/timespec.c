// SPDX-License-Identifier: GPL-2.0-only
#include <linux/time.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	struct timeval now;
	return 0;
}
module_init(demo_init);
