// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bio.h>
#include <linux/module.h>

static struct bio *bio;

static int __init demo_init(void)
{
	return bio->bi_sector;
}
module_init(demo_init);
