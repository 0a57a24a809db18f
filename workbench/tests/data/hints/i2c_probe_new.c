// SPDX-License-Identifier: GPL-2.0-only
#include <linux/i2c.h>

struct i2c_driver demo_driver = {
	.probe_new = NULL,
};
