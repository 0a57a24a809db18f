// SPDX-License-Identifier: GPL-2.0-only

#include <linux/jump_label.h>
#include <linux/module.h>

static DEFINE_STATIC_KEY_FALSE(ex_key);

static int __init ex_init(void)
{
	if (static_branch_unlikely(&ex_key))
		return -EINVAL;
	static_branch_enable(&ex_key);
	if (static_branch_unlikely(&ex_key))
		pr_info("enabled\n");
	return 0;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	static_branch_disable(&ex_key);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("A branch that is switched at run time");
MODULE_LICENSE("GPL");
