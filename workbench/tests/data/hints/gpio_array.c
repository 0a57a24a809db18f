// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gpio.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return gpio_request_array(NULL, 0);
}
module_init(demo_init);
