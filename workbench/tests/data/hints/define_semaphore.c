// SPDX-License-Identifier: GPL-2.0-only
#include <linux/semaphore.h>

DEFINE_SEMAPHORE(demo_sem);
