// SPDX-License-Identifier: GPL-2.0-only
#include <linux/proc_fs.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	create_proc_entry("demo", 0444, NULL);
	return 0;
}
module_init(demo_init);
