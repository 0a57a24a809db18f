// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched/signal.h>
#include <linux/module.h>

static struct siginfo info;

static int __init demo_init(void)
{
	return send_sig_info(SIGUSR1, &info, current);
}
module_init(demo_init);
