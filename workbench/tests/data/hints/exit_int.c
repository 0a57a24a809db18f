// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int __exit demo_exit(void)
{
	return 0;
}
module_exit(demo_exit);
