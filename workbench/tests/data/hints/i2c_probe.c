// SPDX-License-Identifier: GPL-2.0-only
#include <linux/i2c.h>

static int demo_probe(struct i2c_client *client, const struct i2c_device_id *id)
{
	return 0;
}

struct i2c_driver demo_driver = {
	.probe = demo_probe,
};
