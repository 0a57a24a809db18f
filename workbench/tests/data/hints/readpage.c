// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>

struct address_space_operations demo_ops = {
	.readpage = NULL,
};
