// SPDX-License-Identifier: GPL-2.0-only
#include <linux/interrupt.h>

static void demo_func(unsigned long data)
{
}

DECLARE_TASKLET(demo_tasklet, demo_func, 0);
