// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has an array on the stack that needs more than 1024 bytes.
 */
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sprintf.h>

static int __init frame_init(void)
{
	char text[1100];

	snprintf(text, sizeof(text), "%ps", frame_init);
	pr_info("%s\n", text);

	return 0;
}
module_init(frame_init);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Module that the compiler refuses, for tests");
MODULE_LICENSE("GPL");
