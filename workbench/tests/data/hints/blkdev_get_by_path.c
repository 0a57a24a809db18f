// SPDX-License-Identifier: GPL-2.0-only
#include <linux/blkdev.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return blkdev_get_by_path("/dev/vda", 0, NULL) ? 0 : -ENODEV;
}
module_init(demo_init);
