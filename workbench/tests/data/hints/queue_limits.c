// SPDX-License-Identifier: GPL-2.0-only
#include <linux/blkdev.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	blk_queue_logical_block_size(NULL, 512);
	return 0;
}
module_init(demo_init);
