// SPDX-License-Identifier: GPL-2.0-only
#include <linux/uaccess.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return probe_kernel_read(NULL, NULL, 1);
}
module_init(demo_init);
