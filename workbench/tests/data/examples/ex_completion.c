// SPDX-License-Identifier: GPL-2.0-only

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>

static DECLARE_COMPLETION(started);

static int ex_thread(void *unused)
{
	complete(&started);
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static struct task_struct *thread;

static int __init ex_init(void)
{
	thread = kthread_run(ex_thread, NULL, "ex_completion");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wait_for_completion(&started);
	pr_info("the thread has started\n");
	return 0;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	kthread_stop(thread);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("A thread that waits for another one");
MODULE_LICENSE("GPL");
