// SPDX-License-Identifier: GPL-2.0-only
/* The directory goes with the module. */

#include <linux/debugfs.h>
#include <linux/module.h>

static struct dentry *directory;
static u32 level = 7;

static int __init demo_init(void)
{
	directory = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_u32("level", 0444, directory, &level);
	return 0;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	debugfs_remove_recursive(directory);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Directory in debugfs");
MODULE_LICENSE("GPL");
