// SPDX-License-Identifier: GPL-2.0-only
#include <linux/tty_driver.h>

static int demo_write(struct tty_struct *tty, const unsigned char *buf, int count)
{
	return count;
}

struct tty_operations demo_ops = {
	.write = demo_write,
};
