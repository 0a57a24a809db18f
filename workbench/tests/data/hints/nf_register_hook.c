// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <linux/module.h>

static struct nf_hook_ops demo_hook;

static int __init demo_init(void)
{
	return nf_register_hook(&demo_hook);
}
module_init(demo_init);
