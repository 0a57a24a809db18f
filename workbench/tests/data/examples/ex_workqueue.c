// SPDX-License-Identifier: GPL-2.0-only

#include <linux/module.h>
#include <linux/workqueue.h>

static struct workqueue_struct *queue;

static void ex_work(struct work_struct *work)
{
	pr_info("at work\n");
}

static DECLARE_WORK(work, ex_work);

static int __init ex_init(void)
{
	queue = alloc_workqueue("ex_workqueue", WQ_UNBOUND, 1);
	if (!queue)
		return -ENOMEM;
	queue_work(queue, &work);
	return 0;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	destroy_workqueue(queue);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("A work queue of its own");
MODULE_LICENSE("GPL");
