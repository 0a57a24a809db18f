// SPDX-License-Identifier: GPL-2.0-only
#include <linux/spinlock.h>

spinlock_t demo_lock = SPIN_LOCK_UNLOCKED;
