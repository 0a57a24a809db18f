// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters shared between modules: six events counted per CPU, and one shared
 * value whose changes are told to a notifier chain.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/lkmdemo.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/sysfs.h>
#include <asm/local64.h>

static DEFINE_PER_CPU(local64_t [LKMDEMO_NR_COUNTERS], lkmdemo_events);

/*
 * Orders the changes of the shared value, so that the notifiers see them one
 * by one; readers need no lock. Nests outside the notifier chain's rwsem.
 */
static DEFINE_MUTEX(lkmdemo_shared_lock);
static atomic64_t lkmdemo_shared = ATOMIC64_INIT(0);
static BLOCKING_NOTIFIER_HEAD(lkmdemo_notifiers);

/* Apart, so that the counters of events need no room on the stack. */
static noinline void lkmdemo_shared_add(s64 n)
{
	s64 value;

	if (!n)
		return;

	guard(mutex)(&lkmdemo_shared_lock);
	value = atomic64_add_return(n, &lkmdemo_shared);
	blocking_notifier_call_chain(&lkmdemo_notifiers, LKMDEMO_COUNTER_SHARED,
				     &value);
}

/**
 * lkmdemo_counter_add() - add to a counter
 * @counter: which one; a value outside enum lkmdemo_counter changes nothing
 * @n: what to add, may be negative
 *
 * No addition is ever lost, whatever runs at the same time.
 *
 * Context: LKMDEMO_COUNTER_SHARED from process context only, since it takes a
 * mutex and its notifiers may sleep; must not be called from such a notifier.
 * The other counters from any context.
 */
void lkmdemo_counter_add(enum lkmdemo_counter counter, s64 n)
{
	if ((unsigned int)counter >= LKMDEMO_NR_COUNTERS)
		return;

	if (counter == LKMDEMO_COUNTER_SHARED) {
		lkmdemo_shared_add(n);
		return;
	}

	local64_add(n, &get_cpu_var(lkmdemo_events)[counter]);
	put_cpu_var(lkmdemo_events);
}
EXPORT_SYMBOL_GPL(lkmdemo_counter_add);

/**
 * lkmdemo_counter_read() - the value of a counter
 * @counter: which one
 *
 * Context: Any.
 * Return: The sum of all that was added, additions that are still on their way
 * in or not; 0 for a value outside enum lkmdemo_counter.
 */
s64 lkmdemo_counter_read(enum lkmdemo_counter counter)
{
	s64 sum = 0;
	int cpu;

	if ((unsigned int)counter >= LKMDEMO_NR_COUNTERS)
		return 0;

	if (counter == LKMDEMO_COUNTER_SHARED)
		return atomic64_read(&lkmdemo_shared);

	for_each_possible_cpu(cpu)
		sum += local64_read(&per_cpu(lkmdemo_events, cpu)[counter]);

	return sum;
}
EXPORT_SYMBOL(lkmdemo_counter_read);

/**
 * lkmdemo_register_notifier() - be told when the shared counter changes
 * @nb: called with LKMDEMO_COUNTER_SHARED as action and a pointer to the new
 *	value, an s64, as data; one change at a time, in the order of the changes
 *
 * The callback may sleep. It must not change the shared counter, nor register
 * or unregister a notifier.
 *
 * Context: Process context, may sleep.
 * Return: 0, or -EEXIST if @nb is registered already.
 */
int lkmdemo_register_notifier(struct notifier_block *nb)
{
	return blocking_notifier_chain_register(&lkmdemo_notifiers, nb);
}
EXPORT_SYMBOL_GPL(lkmdemo_register_notifier);

/**
 * lkmdemo_unregister_notifier() - be told no more
 * @nb: what was registered
 *
 * Waits for a running callback: once it has returned, @nb is not called.
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ENOENT if @nb is not registered.
 */
int lkmdemo_unregister_notifier(struct notifier_block *nb)
{
	return blocking_notifier_chain_unregister(&lkmdemo_notifiers, nb);
}
EXPORT_SYMBOL_GPL(lkmdemo_unregister_notifier);

static int lkmdemo_shared_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lld\n",
			  lkmdemo_counter_read(LKMDEMO_COUNTER_SHARED));
}

/* The core calls .set without a check, also for a parameter that is 0444. */
static int lkmdemo_shared_set(const char *val, const struct kernel_param *kp)
{
	return -EPERM;
}

static const struct kernel_param_ops lkmdemo_shared_ops = {
	.set = lkmdemo_shared_set,
	.get = lkmdemo_shared_get,
};

module_param_cb(shared, &lkmdemo_shared_ops, NULL, 0444);
__MODULE_PARM_TYPE(shared, "s64");
MODULE_PARM_DESC(shared, "value of the shared counter, read only");

static int __init lkmdemo_counter_init(void)
{
	return 0;
}
module_init(lkmdemo_counter_init);

static void __exit lkmdemo_counter_exit(void)
{
}
module_exit(lkmdemo_counter_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Counters shared between the lkmdemo modules");
MODULE_LICENSE("GPL");
