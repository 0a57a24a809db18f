// SPDX-License-Identifier: GPL-2.0-only
#include <linux/compiler.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	int uninitialized_var(value);

	return value;
}
module_init(demo_init);
