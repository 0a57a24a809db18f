// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <asm/uaccess.h>

static int __init demo_init(void)
{
	return copy_to_user(NULL, "demo", 4) ? -EFAULT : 0;
}
module_init(demo_init);
