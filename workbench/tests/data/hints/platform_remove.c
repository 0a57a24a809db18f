// SPDX-License-Identifier: GPL-2.0-only
#include <linux/platform_device.h>

static int demo_remove(struct platform_device *pdev)
{
	return 0;
}

struct platform_driver demo_driver = {
	.remove = demo_remove,
};
