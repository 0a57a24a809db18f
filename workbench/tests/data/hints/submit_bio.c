// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bio.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	submit_bio(1, NULL);
	return 0;
}
module_init(demo_init);
