// SPDX-License-Identifier: GPL-2.0-only
#include <linux/etherdevice.h>
#include <linux/module.h>

static struct net_device *dev;

static int __init demo_init(void)
{
	dev->dev_addr[0] = 2;
	return 0;
}
module_init(demo_init);
