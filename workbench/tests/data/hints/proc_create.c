// SPDX-License-Identifier: GPL-2.0-only
#include <linux/proc_fs.h>
#include <linux/module.h>

static const struct file_operations demo_fops;

static int __init demo_init(void)
{
	return proc_create("demo", 0, NULL, &demo_fops) ? 0 : -ENOMEM;
}
module_init(demo_init);
