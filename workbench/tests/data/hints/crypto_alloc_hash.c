// SPDX-License-Identifier: GPL-2.0-only
#include <linux/crypto.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return crypto_alloc_hash("md5", 0, 0) ? 0 : -ENOENT;
}
module_init(demo_init);
