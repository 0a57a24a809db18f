// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sysctl.h>

struct ctl_table demo_table[] = {
	{ .child = NULL },
};
