// SPDX-License-Identifier: GPL-2.0-only
#include <linux/interrupt.h>
#include <linux/module.h>

static irqreturn_t demo_handler(int irq, void *data, struct pt_regs *regs)
{
	return IRQ_HANDLED;
}

static int __init demo_init(void)
{
	return request_irq(1, demo_handler, 0, "demo", NULL);
}
module_init(demo_init);
