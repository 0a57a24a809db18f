// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logs each change of the shared counter that it is notified of.
 */
#include <linux/lkmdemo.h>
#include <linux/module.h>
#include <linux/notifier.h>

#include "notifier.h"

static int notifier_call(struct notifier_block *nb, unsigned long action, void *data)
{
	notifier_log(*(s64 *)data);

	return NOTIFY_OK;
}

static struct notifier_block notifier = {
	.notifier_call = notifier_call,
};

static int __init notifier_init(void)
{
	return lkmdemo_register_notifier(&notifier);
}
module_init(notifier_init);

static void __exit notifier_exit(void)
{
	lkmdemo_unregister_notifier(&notifier);
}
module_exit(notifier_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Listener to the shared lkmdemo counter, for tests");
MODULE_LICENSE("GPL");
