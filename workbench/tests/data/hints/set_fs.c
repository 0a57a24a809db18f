// SPDX-License-Identifier: GPL-2.0-only
#include <linux/uaccess.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	set_fs(0);
	return 0;
}
module_init(demo_init);
