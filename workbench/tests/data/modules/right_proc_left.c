// SPDX-License-Identifier: GPL-2.0-only
/* The entry goes with the module. */

#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

static int show(struct seq_file *file, void *unused)
{
	seq_puts(file, "Hello from kernel\n");
	return 0;
}

static int __init demo_init(void)
{
	return proc_create_single(KBUILD_MODNAME, 0444, NULL, show) ? 0 : -ENOMEM;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	remove_proc_entry(KBUILD_MODNAME, NULL);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Entry in /proc");
MODULE_LICENSE("GPL");
