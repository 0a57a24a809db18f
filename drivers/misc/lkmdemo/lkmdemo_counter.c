// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters shared between modules: event counters for each CPU, and one shared
 * counter with a notifier chain.
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
 * Protects the notifier chain and serialises the changes of the shared counter:
 * callbacks see the changes one by one, and none runs after its unregistration.
 * Held while callbacks run, which may take their own locks. Readers of the
 * counter do not take it.
 */
static DEFINE_MUTEX(lkmdemo_shared_lock);
static atomic64_t lkmdemo_shared = ATOMIC64_INIT(0);
static RAW_NOTIFIER_HEAD(lkmdemo_notifiers);

/* noinline: the event counters need no stack frame. */
static noinline void lkmdemo_shared_add(s64 n)
{
	s64 value;

	if (!n)
		return;

	guard(mutex)(&lkmdemo_shared_lock);
	value = atomic64_add_return(n, &lkmdemo_shared);
	raw_notifier_call_chain(&lkmdemo_notifiers, LKMDEMO_COUNTER_SHARED, &value);
}

/**
 * lkmdemo_counter_add() - add to a counter
 * @counter: the counter; a value outside enum lkmdemo_counter has no effect
 * @n: the amount, may be negative
 *
 * The sum is exact under any concurrency.
 *
 * Context: LKMDEMO_COUNTER_SHARED: process context, may sleep, not from a
 * notifier callback. Other counters: any context.
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
 * lkmdemo_counter_read() - read a counter
 * @counter: the counter
 *
 * Context: Any.
 * Return: The sum of all additions, where those that run concurrently may be
 * missing; 0 for a value outside enum lkmdemo_counter.
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
 * lkmdemo_register_notifier() - register for changes of the shared counter
 * @nb: called after each change, with LKMDEMO_COUNTER_SHARED as action and a
 *	pointer to the new value, an s64, as data
 *
 * The callbacks run one change at a time, in the order of the changes. They may
 * sleep. They must not change the shared counter, and not register or unregister
 * a notifier.
 *
 * Context: Process context, may sleep.
 * Return: 0, or -EEXIST if @nb is already registered.
 */
int lkmdemo_register_notifier(struct notifier_block *nb)
{
	guard(mutex)(&lkmdemo_shared_lock);

	return raw_notifier_chain_register(&lkmdemo_notifiers, nb);
}
EXPORT_SYMBOL_GPL(lkmdemo_register_notifier);

/**
 * lkmdemo_unregister_notifier() - unregister a notifier
 * @nb: the notifier
 *
 * Waits for a running callback. @nb is not called after this function returned.
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ENOENT if @nb is not registered.
 */
int lkmdemo_unregister_notifier(struct notifier_block *nb)
{
	guard(mutex)(&lkmdemo_shared_lock);

	return raw_notifier_chain_unregister(&lkmdemo_notifiers, nb);
}
EXPORT_SYMBOL_GPL(lkmdemo_unregister_notifier);

static int lkmdemo_shared_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lld\n", lkmdemo_counter_read(LKMDEMO_COUNTER_SHARED));
}

/* At load the core calls .set whatever the mode of the parameter. */
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
