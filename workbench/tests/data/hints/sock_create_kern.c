// SPDX-License-Identifier: GPL-2.0-only
#include <linux/net.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return sock_create_kern(2, 2, 17, NULL);
}
module_init(demo_init);
