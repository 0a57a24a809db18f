// SPDX-License-Identifier: GPL-2.0-only
#include <linux/net.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return kernel_setsockopt(NULL, 0, 0, NULL, 0);
}
module_init(demo_init);
