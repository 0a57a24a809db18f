// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>

static unsigned int demo_hook(unsigned int num, struct sk_buff *skb)
{
	return NF_ACCEPT;
}

struct nf_hook_ops demo_ops = {
	.hook = demo_hook,
};
