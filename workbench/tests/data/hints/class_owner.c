// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>
#include <linux/module.h>

struct class demo_class = {
	.name = "demo",
	.owner = THIS_MODULE,
};
