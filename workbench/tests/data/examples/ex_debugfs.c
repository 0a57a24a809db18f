// SPDX-License-Identifier: GPL-2.0-only

#include <linux/debugfs.h>
#include <linux/module.h>

static struct dentry *directory;
static u32 number = 12;

static int __init ex_init(void)
{
	directory = debugfs_create_dir("ex_debugfs", NULL);
	debugfs_create_u32("number", 0644, directory, &number);
	return 0;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	debugfs_remove(directory);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("A file in debugfs");
MODULE_LICENSE("GPL");
