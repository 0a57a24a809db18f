// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return ktime_get().tv64 ? 0 : -EAGAIN;
}
module_init(demo_init);
