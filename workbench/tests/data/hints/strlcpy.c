// SPDX-License-Identifier: GPL-2.0-only
#include <linux/string.h>
#include <linux/module.h>

static char name[8];

static int __init demo_init(void)
{
	strlcpy(name, "demo", sizeof(name));
	return 0;
}
module_init(demo_init);
