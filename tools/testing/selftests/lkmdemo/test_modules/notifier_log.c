// SPDX-License-Identifier: GPL-2.0-only
#include <linux/printk.h>

#include "notifier.h"

void notifier_log(s64 value)
{
	pr_info(KBUILD_MODNAME ": told %lld\n", value);
}
