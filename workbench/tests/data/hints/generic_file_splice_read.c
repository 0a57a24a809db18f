// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>

struct file_operations demo_fops = {
	.splice_read = generic_file_splice_read,
};
