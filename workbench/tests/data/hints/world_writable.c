// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int level;
module_param(level, int, 0666);
