// SPDX-License-Identifier: GPL-2.0-only
/* The check and the claim are two steps. */

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/module.h>

static int is_open;

static int device_open(struct inode *inode, struct file *file)
{
	if (is_open)
		return -EBUSY;
	is_open = 1;
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	is_open = 0;
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
};

static dev_t number;
static struct cdev *device;
static struct class *class;

static int __init device_init(void)
{
	int ret = alloc_chrdev_region(&number, 0, 1, KBUILD_MODNAME);

	if (ret)
		return ret;
	ret = -ENOMEM;
	device = cdev_alloc();
	if (!device)
		goto unregister;
	device->owner = THIS_MODULE;
	device->ops = &device_fops;
	ret = cdev_add(device, number, 1);
	if (ret)
		goto put;
	class = class_create(KBUILD_MODNAME);
	ret = PTR_ERR_OR_ZERO(class);
	if (ret)
		goto put;
	ret = PTR_ERR_OR_ZERO(device_create(class, NULL, number, NULL, KBUILD_MODNAME));
	if (!ret)
		return 0;
	class_destroy(class);
put:
	cdev_del(device);
unregister:
	unregister_chrdev_region(number, 1);
	return ret;
}
module_init(device_init);

static void __exit device_exit(void)
{
	device_destroy(class, number);
	class_destroy(class);
	cdev_del(device);
	unregister_chrdev_region(number, 1);
}
module_exit(device_exit);

MODULE_DESCRIPTION("Device for one process at a time");
MODULE_LICENSE("GPL");
