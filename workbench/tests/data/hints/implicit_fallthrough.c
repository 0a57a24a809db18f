// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int level;

static int __init demo_init(void)
{
	switch (level) {
	case 1:
		level = 2;
	case 2:
		level++;
	}
	return 0;
}
module_init(demo_init);
MODULE_DESCRIPTION("demo");
MODULE_LICENSE("GPL");
