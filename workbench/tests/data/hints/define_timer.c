// SPDX-License-Identifier: GPL-2.0-only
#include <linux/timer.h>

static void demo_func(unsigned long data)
{
}

DEFINE_TIMER(demo_timer, demo_func, 0, 0);
