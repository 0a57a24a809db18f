// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static void __init demo_init(void)
{
}
module_init(demo_init);
