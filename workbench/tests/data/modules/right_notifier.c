// SPDX-License-Identifier: GPL-2.0-only
/* The callback leaves the chain before the module goes. */

#include <linux/module.h>
#include <linux/notifier.h>

static int notify(struct notifier_block *block, unsigned long event, void *module)
{
	return NOTIFY_OK;
}

static struct notifier_block block = {
	.notifier_call = notify,
};

static int __init demo_init(void)
{
	return register_module_notifier(&block);
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	unregister_module_notifier(&block);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Notifier of modules");
MODULE_LICENSE("GPL");
