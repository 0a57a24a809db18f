// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/module.h>

static struct file *file;

static int __init demo_init(void)
{
	return file->f_dentry ? 0 : -ENOENT;
}
module_init(demo_init);
