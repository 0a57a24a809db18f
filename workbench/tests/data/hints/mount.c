// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>

struct file_system_type demo_type = {
	.mount = NULL,
};
