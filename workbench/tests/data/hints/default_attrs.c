// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kobject.h>

struct kobj_type demo_type = {
	.default_attrs = NULL,
};
