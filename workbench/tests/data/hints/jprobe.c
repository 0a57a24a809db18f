// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kprobes.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return register_jprobe(NULL);
}
module_init(demo_init);
