// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>

static int demo_setattr(struct user_namespace *ns, struct dentry *dentry, struct iattr *attr)
{
	return 0;
}

struct inode_operations demo_ops = {
	.setattr = demo_setattr,
};
