// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hrtimer.h>
#include <linux/module.h>

static struct hrtimer demo_timer;

static int __init demo_init(void)
{
	hrtimer_init(&demo_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	return 0;
}
module_init(demo_init);
