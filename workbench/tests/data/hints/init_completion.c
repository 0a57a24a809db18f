// SPDX-License-Identifier: GPL-2.0-only
#include <linux/completion.h>
#include <linux/module.h>

static DECLARE_COMPLETION(demo_done);

static int __init demo_init(void)
{
	INIT_COMPLETION(demo_done);
	return 0;
}
module_init(demo_init);
