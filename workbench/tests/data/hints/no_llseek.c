// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>

struct file_operations demo_fops = {
	.llseek = no_llseek,
};
