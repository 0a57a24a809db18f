// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>

static int demo_mkdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode)
{
	return 0;
}

struct inode_operations demo_ops = {
	.mkdir = demo_mkdir,
};
