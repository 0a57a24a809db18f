// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netlink.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return netlink_kernel_create(&init_net, 2, 0, NULL, NULL, THIS_MODULE) ? 0 : -ENOMEM;
}
module_init(demo_init);
