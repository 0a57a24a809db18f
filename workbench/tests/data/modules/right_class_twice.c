// SPDX-License-Identifier: GPL-2.0-only
/* The class is destroyed once. */

#include <linux/device.h>
#include <linux/module.h>

static struct class *class;

static int __init demo_init(void)
{
	class = class_create(KBUILD_MODNAME);
	return PTR_ERR_OR_ZERO(class);
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	class_destroy(class);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Class without a device");
MODULE_LICENSE("GPL");
