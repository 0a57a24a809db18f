// SPDX-License-Identifier: GPL-2.0-only
/* Two locks are taken in two orders. */

#include <linux/module.h>
#include <linux/mutex.h>

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static int __init demo_init(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	return 0;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Two locks");
MODULE_LICENSE("GPL");
