// SPDX-License-Identifier: GPL-2.0-only
#include <linux/platform_device.h>

static void demo_remove(struct platform_device *pdev)
{
}

struct platform_driver demo_driver = {
	.remove_new = demo_remove,
};
