// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int __init demo_init(void)
{
	char buf[4096];

	return sprintf(buf, "%p", buf) < 0;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
