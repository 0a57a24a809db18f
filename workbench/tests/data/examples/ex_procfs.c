// SPDX-License-Identifier: GPL-2.0-only

#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

static struct proc_dir_entry *entry;

static int ex_show(struct seq_file *seq, void *unused)
{
	seq_puts(seq, "shown\n");
	return 0;
}

static int __init ex_init(void)
{
	entry = proc_create_single("ex_procfs", 0444, NULL, ex_show);
	return entry ? 0 : -ENOMEM;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	proc_remove(entry);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("A file in /proc");
MODULE_LICENSE("GPL");
