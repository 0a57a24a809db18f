// SPDX-License-Identifier: GPL-2.0-only
#include <linux/random.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return prandom_u32() ? 0 : -EAGAIN;
}
module_init(demo_init);
