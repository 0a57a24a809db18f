// SPDX-License-Identifier: GPL-2.0-only
#include <linux/syscalls.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return sys_open("/etc/hostname", 0, 0);
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
