// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	pr_info("%d\n", current_uid());
	return 0;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
