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

/* Make text and end, one after the other, the message; -EINVAL if too large. */
static int __init lkmdemo_set(struct lkmdemo_message *msg, const void *text,
			      size_t count, const char *end)
{
	struct kvec vec[] = {
		{ .iov_base = (void *)text, .iov_len = count },
		{ .iov_base = (void *)end, .iov_len = strlen(end) },
	};
	struct iov_iter from;
	loff_t pos = 0;
	ssize_t ret;

	count += strlen(end);
	iov_iter_kvec(&from, ITER_SOURCE, vec, ARRAY_SIZE(vec), count);
	ret = lkmdemo_message_write(msg, &pos, &from, 0);
	if (ret == -EINVAL)
		pr_err("first message has %zu bytes, capacity is %zu\n", count,
		       msg->capacity);

	return ret < 0 ? ret : 0;
}

static int __init lkmdemo_load_payload(struct lkmdemo_message *msg)
{
	const struct firmware *fw;
	int ret;

	/* There is no device yet: it must not be opened before its message. */
	ret = request_firmware(&fw, payload, NULL);
	if (ret) {
		pr_err("payload %s: %pe\n", payload, ERR_PTR(ret));
		return ret;
	}

	ret = lkmdemo_set(msg, fw->data, fw->size, "");
	release_firmware(fw);

	return ret == -EINVAL ? -EFBIG : ret;
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
		ret = lkmdemo_set(&lkmdemo.message, greeting, strlen(greeting),
				  "\n");
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
