// SPDX-License-Identifier: GPL-2.0-only
#include <linux/timekeeping.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return get_seconds() ? 0 : -EAGAIN;
}
module_init(demo_init);
