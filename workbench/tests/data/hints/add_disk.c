// SPDX-License-Identifier: GPL-2.0-only
#include <linux/blkdev.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	if (IS_ENABLED(CONFIG_BLOCK))
		add_disk(NULL);
	return 0;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
