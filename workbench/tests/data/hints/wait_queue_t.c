// SPDX-License-Identifier: GPL-2.0-only
#include <linux/wait.h>

wait_queue_t demo_entry;
