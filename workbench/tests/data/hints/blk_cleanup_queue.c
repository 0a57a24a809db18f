// SPDX-License-Identifier: GPL-2.0-only
#include <linux/blkdev.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	blk_cleanup_queue(NULL);
	return 0;
}
module_init(demo_init);
