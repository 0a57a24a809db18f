// SPDX-License-Identifier: GPL-2.0-only
#include <crypto/hash.h>
#include <linux/module.h>

static struct shash_desc *desc;

static int __init demo_init(void)
{
	desc->flags = 0;
	return 0;
}
module_init(demo_init);
