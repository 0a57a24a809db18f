// SPDX-License-Identifier: GPL-2.0-only

#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sysfs.h>

static struct kobject *object;
static int value = 5;

static ssize_t value_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(value));
}

static ssize_t value_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			   size_t count)
{
	int new;
	int ret = kstrtoint(buf, 0, &new);

	if (ret)
		return ret;
	WRITE_ONCE(value, new);
	return count;
}

static struct kobj_attribute value_attribute = __ATTR_RW(value);

static int __init ex_init(void)
{
	int ret;

	object = kobject_create_and_add("ex_sysfs", kernel_kobj);
	if (!object)
		return -ENOMEM;
	ret = sysfs_create_file(object, &value_attribute.attr);
	if (ret)
		kobject_put(object);
	return ret;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	kobject_put(object);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("An attribute in sysfs");
MODULE_LICENSE("GPL");
