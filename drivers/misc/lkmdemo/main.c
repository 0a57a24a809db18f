// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: its parameters, the first message, the misc device.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/firmware.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "lkmdemo.h"

static struct lkmdemo_device lkmdemo = {
	.misc = {
		.minor	= MISC_DYNAMIC_MINOR,
		.name	= "lkmdemo",
		.fops	= &lkmdemo_fops,
		.groups	= lkmdemo_groups,
		.mode	= 0600,
	},
	.exclusive = true,
};

static unsigned int capacity = 1024;
module_param(capacity, uint, 0444);
MODULE_PARM_DESC(capacity, "most bytes that the message can have, 1 to 1048576 (default 1024)");

static char *greeting = "Hello from kernel";
module_param(greeting, charp, 0444);
MODULE_PARM_DESC(greeting, "first message, a newline is added (default \"Hello from kernel\")");

module_param_named(exclusive, lkmdemo.exclusive, bool, 0644);
MODULE_PARM_DESC(exclusive, "refuse an open while the device is open, for later opens (default Y)");

static char *payload;
module_param(payload, charp, 0444);
MODULE_PARM_DESC(payload, "firmware file whose bytes are the first message, in place of greeting");

static int __init lkmdemo_greet(struct lkmdemo_message *msg)
{
	struct kvec text[] = {
		{ .iov_base = greeting, .iov_len = strlen(greeting) },
		{ .iov_base = "\n", .iov_len = 1 },
	};
	size_t count = text[0].iov_len + text[1].iov_len;
	struct iov_iter from;
	loff_t pos = 0;
	ssize_t ret;

	iov_iter_kvec(&from, ITER_SOURCE, text, ARRAY_SIZE(text), count);
	ret = lkmdemo_message_write(msg, &pos, &from, 0);
	if (ret == -EINVAL)
		pr_err("greeting and its newline are %zu bytes, capacity is %zu\n",
		       count, msg->capacity);

	return ret < 0 ? ret : 0;
}

static int __init lkmdemo_load_payload(struct lkmdemo_message *msg)
{
	const struct firmware *fw;
	struct iov_iter from;
	struct kvec bytes;
	loff_t pos = 0;
	ssize_t ret;

	/* There is no device yet: it must not be opened before its message. */
	ret = request_firmware(&fw, payload, NULL);
	if (ret) {
		pr_err("payload %s cannot be loaded: %pe\n", payload,
		       ERR_PTR(ret));
		return ret;
	}

	bytes.iov_base = (void *)fw->data;
	bytes.iov_len = fw->size;
	iov_iter_kvec(&from, ITER_SOURCE, &bytes, 1, bytes.iov_len);
	ret = lkmdemo_message_write(msg, &pos, &from, 0);
	if (ret == -EINVAL) {
		pr_err("payload %s has %zu bytes, capacity is %zu\n", payload,
		       fw->size, msg->capacity);
		ret = -EFBIG;
	}
	release_firmware(fw);

	return ret < 0 ? ret : 0;
}

static int __init lkmdemo_init(void)
{
	int ret;

	if (capacity < 1 || capacity > LKMDEMO_CAPACITY_MAX) {
		pr_err("capacity %u is not from 1 to %u\n", capacity,
		       LKMDEMO_CAPACITY_MAX);
		return -EINVAL;
	}

	ret = lkmdemo_message_init(&lkmdemo.message, capacity);
	if (ret)
		return ret;

	if (payload)
		ret = lkmdemo_load_payload(&lkmdemo.message);
	else
		ret = lkmdemo_greet(&lkmdemo.message);
	if (ret)
		goto err_destroy;

	ret = lkmdemo_netlink_init(&lkmdemo.message);
	if (ret)
		goto err_destroy;

	ret = misc_register(&lkmdemo.misc);
	if (ret)
		goto err_netlink;

	lkmdemo_debugfs_add(&lkmdemo);

	return 0;

err_netlink:
	lkmdemo_netlink_exit(&lkmdemo.message);
err_destroy:
	lkmdemo_message_destroy(&lkmdemo.message);
	return ret;
}
module_init(lkmdemo_init);

static void __exit lkmdemo_exit(void)
{
	lkmdemo_debugfs_remove(&lkmdemo);
	misc_deregister(&lkmdemo.misc);
	lkmdemo_netlink_exit(&lkmdemo.message);
	lkmdemo_message_destroy(&lkmdemo.message);
}
module_exit(lkmdemo_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Reference misc device holding one message");
MODULE_LICENSE("GPL");
