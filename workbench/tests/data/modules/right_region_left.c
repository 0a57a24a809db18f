// SPDX-License-Identifier: GPL-2.0-only
/* The region of numbers goes with the module. */

#include <linux/fs.h>
#include <linux/module.h>

static dev_t number;

static int __init demo_init(void)
{
	return alloc_chrdev_region(&number, 0, 1, KBUILD_MODNAME);
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	unregister_chrdev_region(number, 1);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Region of device numbers");
MODULE_LICENSE("GPL");
