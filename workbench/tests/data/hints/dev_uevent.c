// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>

static int demo_uevent(struct device *dev, struct kobj_uevent_env *env)
{
	return 0;
}

struct class demo_class = {
	.name = "demo",
	.dev_uevent = demo_uevent,
};
