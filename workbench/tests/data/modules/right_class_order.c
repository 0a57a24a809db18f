// SPDX-License-Identifier: GPL-2.0-only
/* The class is destroyed after its device. */

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/module.h>

static struct class *class;
static dev_t number;

static int __init demo_init(void)
{
	struct device *device;
	int ret = alloc_chrdev_region(&number, 0, 1, KBUILD_MODNAME);

	if (ret)
		return ret;
	class = class_create(KBUILD_MODNAME);
	ret = PTR_ERR_OR_ZERO(class);
	if (ret)
		goto unregister;
	device = device_create(class, NULL, number, NULL, KBUILD_MODNAME);
	ret = PTR_ERR_OR_ZERO(device);
	if (!ret)
		return 0;
	class_destroy(class);
unregister:
	unregister_chrdev_region(number, 1);
	return ret;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	device_destroy(class, number);
	class_destroy(class);
	unregister_chrdev_region(number, 1);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Class with a device");
MODULE_LICENSE("GPL");
