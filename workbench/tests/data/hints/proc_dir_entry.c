// SPDX-License-Identifier: GPL-2.0-only
#include <linux/proc_fs.h>
#include <linux/module.h>

static struct proc_dir_entry *entry;

static int __init demo_init(void)
{
	return entry->mode;
}
module_init(demo_init);
