// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

int level;
MODULE_PARM(level, "i");
