// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return get_user_pages(0, 1, 0, NULL, NULL);
}
module_init(demo_init);
