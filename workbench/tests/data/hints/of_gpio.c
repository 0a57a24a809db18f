// SPDX-License-Identifier: GPL-2.0-only
#include <linux/of_gpio.h>

