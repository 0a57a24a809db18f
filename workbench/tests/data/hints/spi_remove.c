// SPDX-License-Identifier: GPL-2.0-only
#include <linux/spi/spi.h>

static int demo_remove(struct spi_device *spi)
{
	return 0;
}

struct spi_driver demo_driver = {
	.remove = demo_remove,
};
