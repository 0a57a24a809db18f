// SPDX-License-Identifier: GPL-2.0-only
/* The module frees its memory. */

#include <linux/module.h>
#include <linux/slab.h>

static char *buffer;

static int __init demo_init(void)
{
	buffer = kzalloc(1000, GFP_KERNEL);
	return buffer ? 0 : -ENOMEM;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	kfree(buffer);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Buffer");
MODULE_LICENSE("GPL");
