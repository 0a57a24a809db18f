// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters, the first message, registration of the device.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/firmware.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <kunit/visibility.h>

#include "lkmdemo.h"

struct lkmdemo_device lkmdemo = {
	.exclusive = true,
};

static unsigned int lkmdemo_capacity = 1024;
module_param_named(capacity, lkmdemo_capacity, uint, 0444);
MODULE_PARM_DESC(capacity, "size limit of the message in bytes, 1 to 65536 (default 1024)");

static char *lkmdemo_greeting = "Hello from kernel";
module_param_named(greeting, lkmdemo_greeting, charp, 0444);
MODULE_PARM_DESC(greeting, "first message, to which a newline is added (default \"Hello from kernel\")");

module_param_named(exclusive, lkmdemo.exclusive, bool, 0644);
MODULE_PARM_DESC(exclusive, "refuse an open while the device is open; a change affects later opens only (default Y)");

static char *lkmdemo_payload;
module_param_named(payload, lkmdemo_payload, charp, 0444);
MODULE_PARM_DESC(payload, "firmware file with the first message, instead of greeting (default none)");

/* Initialise a zeroed device for misc_register(). */
int lkmdemo_device_init(struct lkmdemo_device *dev, const char *name, size_t capacity,
			const void *bytes, size_t count)
{
	if (count > capacity) {
		pr_err("first message has %zu bytes, capacity is %zu\n", count, capacity);
		return -EINVAL;
	}

	dev->misc.minor = MISC_DYNAMIC_MINOR;
	dev->misc.name = name;
	dev->misc.fops = &lkmdemo_fops;
	dev->misc.groups = lkmdemo_groups;
	dev->misc.mode = 0600;

	return lkmdemo_message_init(&dev->message, capacity, bytes, count);
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_device_init);

static int __init lkmdemo_init_with_payload(void)
{
	const struct firmware *fw;
	int ret;

	/* No parent: the device must not exist before its first message. */
	ret = request_firmware(&fw, lkmdemo_payload, NULL);
	if (ret) {
		pr_err("payload %s: %pe\n", lkmdemo_payload, ERR_PTR(ret));
		return ret;
	}
	ret = lkmdemo_device_init(&lkmdemo, "lkmdemo", lkmdemo_capacity, fw->data, fw->size);
	release_firmware(fw);

	return ret == -EINVAL ? -EFBIG : ret;
}

static int __init lkmdemo_init_with_greeting(void)
{
	char *text __free(kfree) = kasprintf(GFP_KERNEL, "%s\n", lkmdemo_greeting);

	return text ? lkmdemo_device_init(&lkmdemo, "lkmdemo", lkmdemo_capacity, text,
					  strlen(text)) : -ENOMEM;
}

static int __init lkmdemo_init(void)
{
	int ret;

	if (lkmdemo_capacity < 1 || lkmdemo_capacity > LKMDEMO_CAPACITY_MAX) {
		pr_err("capacity %u is not from 1 to %u\n", lkmdemo_capacity, LKMDEMO_CAPACITY_MAX);
		return -EINVAL;
	}

	lkmdemo_sysfs_init();
	ret = lkmdemo_payload ? lkmdemo_init_with_payload() : lkmdemo_init_with_greeting();
	if (ret)
		return ret;

	ret = IS_ENABLED(CONFIG_LKMDEMO_NETLINK) ? lkmdemo_netlink_init() : 0;
	if (ret)
		goto err_destroy;

	/* Last: the device may be open as soon as it is registered. */
	ret = misc_register(&lkmdemo.misc);
	if (ret)
		goto err_netlink;

	lkmdemo_debugfs_add(&lkmdemo);

	return 0;

err_netlink:
	if (IS_ENABLED(CONFIG_LKMDEMO_NETLINK))
		lkmdemo_netlink_exit();
err_destroy:
	vfree(lkmdemo.message.data);
	return ret;
}
module_init(lkmdemo_init);

static void __exit lkmdemo_exit(void)
{
	debugfs_remove(lkmdemo.debugfs);
	misc_deregister(&lkmdemo.misc);
	if (IS_ENABLED(CONFIG_LKMDEMO_NETLINK))
		lkmdemo_netlink_exit();
	vfree(lkmdemo.message.data);
}
module_exit(lkmdemo_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Reference misc device that holds one message");
MODULE_LICENSE("GPL");
