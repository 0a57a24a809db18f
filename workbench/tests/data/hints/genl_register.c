// SPDX-License-Identifier: GPL-2.0-only
#include <net/genetlink.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return genl_register_family_with_ops(NULL, NULL);
}
module_init(demo_init);
