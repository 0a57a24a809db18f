// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/module.h>

static char buf[16];

static int __init demo_init(void)
{
	return kernel_read(NULL, 1, buf, sizeof(buf));
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
