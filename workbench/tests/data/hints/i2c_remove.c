// SPDX-License-Identifier: GPL-2.0-only
#include <linux/i2c.h>

static int demo_remove(struct i2c_client *client)
{
	return 0;
}

struct i2c_driver demo_driver = {
	.remove = demo_remove,
};
