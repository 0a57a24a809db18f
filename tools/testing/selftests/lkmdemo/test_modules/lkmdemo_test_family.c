// SPDX-License-Identifier: GPL-2.0-only
/*
 * A generic netlink family of the name of that of the device, which then cannot be
 * registered.
 */
#include <linux/module.h>
#include <net/genetlink.h>

static struct genl_family family = {
	.name	= "lkmdemo",
	.version = 1,
	.module	= THIS_MODULE,
};

static int __init family_init(void)
{
	return genl_register_family(&family);
}
module_init(family_init);

static void __exit family_exit(void)
{
	genl_unregister_family(&family);
}
module_exit(family_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Takes the name of the netlink family of lkmdemo, for tests");
MODULE_LICENSE("GPL");
