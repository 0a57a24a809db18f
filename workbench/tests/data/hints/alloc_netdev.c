// SPDX-License-Identifier: GPL-2.0-only
#include <linux/etherdevice.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return alloc_netdev(0, "demo%d", ether_setup) ? 0 : -ENOMEM;
}
module_init(demo_init);
