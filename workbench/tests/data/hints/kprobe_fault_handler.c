// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kprobes.h>

struct kprobe demo_probe = {
	.fault_handler = NULL,
};
