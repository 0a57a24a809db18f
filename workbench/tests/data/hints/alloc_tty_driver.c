// SPDX-License-Identifier: GPL-2.0-only
#include <linux/tty_driver.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return alloc_tty_driver(1) ? 0 : -ENOMEM;
}
module_init(demo_init);
