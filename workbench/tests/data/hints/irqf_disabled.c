// SPDX-License-Identifier: GPL-2.0-only
#include <linux/interrupt.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	return request_irq(1, NULL, IRQF_DISABLED, "demo", NULL);
}
module_init(demo_init);
