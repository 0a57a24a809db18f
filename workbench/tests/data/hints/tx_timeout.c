// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netdevice.h>

static void demo_tx_timeout(struct net_device *dev)
{
}

struct net_device_ops demo_ops = {
	.ndo_tx_timeout = demo_tx_timeout,
};
