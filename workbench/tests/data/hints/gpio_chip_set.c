// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gpio/driver.h>

static void demo_set(struct gpio_chip *gc, unsigned int offset, int value)
{
}

struct gpio_chip demo_chip = {
	.set = demo_set,
};
