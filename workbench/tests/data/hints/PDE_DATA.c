// SPDX-License-Identifier: GPL-2.0-only
#include <linux/proc_fs.h>
#include <linux/module.h>

static struct inode *inode;

static int __init demo_init(void)
{
	return PDE_DATA(inode) ? 0 : -ENOENT;
}
module_init(demo_init);
