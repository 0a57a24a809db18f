// SPDX-License-Identifier: GPL-2.0-only
#include <linux/uaccess.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return access_ok(0, NULL, 1) ? 0 : -EFAULT;
}
module_init(demo_init);
