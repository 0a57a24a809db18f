// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/module.h>

static struct inode *inode;

static int __init demo_init(void)
{
	inode->i_mtime.tv_sec = 0;
	return 0;
}
module_init(demo_init);
