// SPDX-License-Identifier: GPL-2.0-only
#include <linux/platform_device.h>

struct platform_driver demo_driver = {
	.remove = __devexit_p(NULL),
};
