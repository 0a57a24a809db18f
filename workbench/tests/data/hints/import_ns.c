// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ioport.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	insert_resource_expand_to_fit(NULL, NULL);
	return 0;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
