// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes races happen: modules compiled with -fsanitize-coverage=trace-pc call it at
 * each branch, and it lets the other threads of the probe run there. um switches
 * between threads nowhere in the code of a module otherwise.
 */
#include <linux/kcov.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

/* The name of the threads, as in probe.c. */
#define INTERLEAVED "probe-race"

void __sanitizer_cov_trace_pc(void)
{
	if (preemptible() && !rcu_preempt_depth() && task_is_running(current) &&
	    strstarts(current->comm, INTERLEAVED))
		yield();
}
EXPORT_SYMBOL(__sanitizer_cov_trace_pc);

MODULE_DESCRIPTION("Switches between threads at each branch of a module");
MODULE_LICENSE("GPL");
