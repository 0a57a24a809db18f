// SPDX-License-Identifier: GPL-2.0-only
#include <linux/blkdev.h>

static int demo_open(struct block_device *bdev, fmode_t mode)
{
	return 0;
}

struct block_device_operations demo_ops = {
	.open = demo_open,
};
