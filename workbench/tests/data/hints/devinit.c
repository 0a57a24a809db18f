// SPDX-License-Identifier: GPL-2.0-only
#include <linux/platform_device.h>

int __devinit demo_probe(struct platform_device *pdev);
