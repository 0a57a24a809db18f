// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return unregister_chrdev(240, "demo");
}
module_init(demo_init);
