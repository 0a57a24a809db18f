// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters and their notifiers. The counters belong to the whole system: the
 * tests compare with an earlier value, and subtract what they have added.
 */
#include <kunit/run-in-irq-context.h>
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/lkmdemo.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "helpers.h"

struct counters {
	s64 before[LKMDEMO_NR_COUNTERS];
	s64 added[LKMDEMO_NR_COUNTERS];
};

static int counter_init(struct kunit *test)
{
	struct counters *counters = lkmdemo_kunit_zalloc(test, sizeof(*counters));
	int i;

	for (i = 0; i < LKMDEMO_NR_COUNTERS; i++)
		counters->before[i] = lkmdemo_counter_read(i);
	test->priv = counters;

	return 0;
}

static void counter_exit(struct kunit *test)
{
	struct counters *counters = test->priv;
	int i;

	for (i = 0; counters && i < LKMDEMO_NR_COUNTERS; i++)
		lkmdemo_counter_add(i, -counters->added[i]);
}

/* Note what was added by other means than add(), to subtract it later. */
static void note_added(struct kunit *test, enum lkmdemo_counter counter, s64 n)
{
	struct counters *counters = test->priv;

	counters->added[counter] += n;
}

static void add(struct kunit *test, enum lkmdemo_counter counter, s64 n)
{
	lkmdemo_counter_add(counter, n);
	note_added(test, counter, n);
}

static s64 value(struct kunit *test, enum lkmdemo_counter counter)
{
	struct counters *counters = test->priv;

	return lkmdemo_counter_read(counter) - counters->before[counter];
}

struct counter_case {
	const char *desc;
	enum lkmdemo_counter counter;
};

static const struct counter_case counter_cases[] = {
	{ "shared", LKMDEMO_COUNTER_SHARED },
	{ "opens", LKMDEMO_COUNTER_OPENS },
	{ "opens refused", LKMDEMO_COUNTER_OPENS_REFUSED },
	{ "reads", LKMDEMO_COUNTER_READS },
	{ "writes", LKMDEMO_COUNTER_WRITES },
	{ "bytes read", LKMDEMO_COUNTER_BYTES_READ },
	{ "bytes written", LKMDEMO_COUNTER_BYTES_WRITTEN },
};

KUNIT_ARRAY_PARAM_DESC(counter, counter_cases, desc);

static void add_changes_that_counter_only(struct kunit *test)
{
	const struct counter_case *c = test->param_value;
	int i;

	add(test, c->counter, 3);

	for (i = 0; i < LKMDEMO_NR_COUNTERS; i++)
		KUNIT_EXPECT_EQ_MSG(test, value(test, i),
				    i == c->counter ? 3 : 0, "counter %d", i);
}

static void negative_add_subtracts(struct kunit *test)
{
	const struct counter_case *c = test->param_value;

	add(test, c->counter, -7);

	KUNIT_EXPECT_EQ(test, value(test, c->counter), -7);
}

static void add_has_64_bits(struct kunit *test)
{
	const struct counter_case *c = test->param_value;

	add(test, c->counter, 5 * SZ_4G + 1);
	add(test, c->counter, 2 * SZ_4G);

	KUNIT_EXPECT_EQ(test, value(test, c->counter), 7 * SZ_4G + 1);
}

struct range_case {
	const char *desc;
	int index;
};

static const struct range_case range_cases[] = {
	{ "-1", -1 },
	{ "INT_MIN", INT_MIN },
	{ "LKMDEMO_NR_COUNTERS", LKMDEMO_NR_COUNTERS },
	{ "LKMDEMO_NR_COUNTERS + 1", LKMDEMO_NR_COUNTERS + 1 },
	{ "INT_MAX", INT_MAX },
};

KUNIT_ARRAY_PARAM_DESC(range, range_cases, desc);

static void out_of_range_has_no_effect(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	int i;

	lkmdemo_counter_add(c->index, 1);

	for (i = 0; i < LKMDEMO_NR_COUNTERS; i++)
		KUNIT_EXPECT_EQ_MSG(test, value(test, i), 0, "counter %d", i);
}

static void out_of_range_reads_as_0(struct kunit *test)
{
	const struct range_case *c = test->param_value;

	lkmdemo_counter_add(c->index, 1);

	KUNIT_EXPECT_EQ(test, lkmdemo_counter_read(c->index), 0);
}

#define ADDERS_MAX	8
#define ADDS		100

struct add_race {
	enum lkmdemo_counter counter;
	atomic64_t sum;
};

static void add_some(void *data, unsigned int i)
{
	struct add_race *race = data;
	int k;

	for (k = 0; k < ADDS; k++)
		lkmdemo_counter_add(race->counter, 1);
	atomic64_add(ADDS, &race->sum);
}

/* Return the sum of all additions. */
static s64 add_concurrently(struct kunit *test, enum lkmdemo_counter counter)
{
	struct add_race race = { .counter = counter };
	unsigned int adders = clamp(num_online_cpus(), 2, ADDERS_MAX);

	lkmdemo_kunit_race_on(test, adders, add_some, &race);
	note_added(test, counter, atomic64_read(&race.sum));

	return atomic64_read(&race.sum);
}

static void concurrent_additions_are_exact(struct kunit *test)
{
	const struct counter_case *c = test->param_value;
	s64 sum = add_concurrently(test, c->counter);

	KUNIT_EXPECT_EQ(test, value(test, c->counter), sum);
}

static void add_here(void *unused)
{
	lkmdemo_counter_add(LKMDEMO_COUNTER_READS, 1);
}

static void additions_on_every_processor_count(struct kunit *test)
{
	unsigned int cpu, nr = 0;

	cpus_read_lock();
	for_each_online_cpu(cpu)
		nr += !smp_call_function_single(cpu, add_here, NULL, 1);
	cpus_read_unlock();
	note_added(test, LKMDEMO_COUNTER_READS, nr);

	KUNIT_EXPECT_GE(test, nr, 1);
	KUNIT_EXPECT_EQ(test, value(test, LKMDEMO_COUNTER_READS), nr);
}

static bool add_anywhere(void *data)
{
	atomic_t *calls = data;

	lkmdemo_counter_add(LKMDEMO_COUNTER_READS, 1);
	atomic_inc(calls);

	return true;
}

static void additions_in_interrupts_are_exact(struct kunit *test)
{
	atomic_t calls = ATOMIC_INIT(0);

	kunit_run_irq_test(test, add_anywhere, 20000, &calls);
	note_added(test, LKMDEMO_COUNTER_READS, atomic_read(&calls));

	KUNIT_EXPECT_EQ(test, value(test, LKMDEMO_COUNTER_READS),
			atomic_read(&calls));
}

/* A notifier, with the arguments of its last call and the order of the calls. */
struct listener {
	struct notifier_block nb;
	int ret;
	unsigned int calls;
	unsigned long action;
	s64 value;
	unsigned int order;
};

static unsigned int listener_calls;

static int note_call(struct notifier_block *nb, unsigned long action, void *data)
{
	struct listener *listener = container_of(nb, struct listener, nb);

	listener->calls++;
	listener->action = action;
	listener->value = *(s64 *)data;
	listener->order = ++listener_calls;

	return listener->ret;
}

static void unregister(void *nb)
{
	lkmdemo_unregister_notifier(nb);
}

/* Register until kunit_release_action() or the end of the test. */
static void register_nb(struct kunit *test, struct notifier_block *nb)
{
	KUNIT_ASSERT_EQ(test, lkmdemo_register_notifier(nb), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, unregister, nb),
			0);
}

static struct listener *new_listener(struct kunit *test, int priority)
{
	struct listener *listener = lkmdemo_kunit_zalloc(test, sizeof(*listener));

	listener->nb.notifier_call = note_call;
	listener->nb.priority = priority;
	listener->ret = NOTIFY_OK;

	return listener;
}

static struct listener *add_listener(struct kunit *test, int priority)
{
	struct listener *listener = new_listener(test, priority);

	register_nb(test, &listener->nb);

	return listener;
}

struct change_case {
	const char *desc;
	s64 n;
};

static const struct change_case change_cases[] = {
	{ "1", 1 },
	{ "-1", -1 },
	{ "over 32 bits", SZ_4G },
};

KUNIT_ARRAY_PARAM_DESC(change, change_cases, desc);

static void notifier_receives_the_new_value(struct kunit *test)
{
	const struct change_case *c = test->param_value;
	struct counters *counters = test->priv;
	struct listener *listener;

	/* The value differs from the amount of the change. */
	add(test, LKMDEMO_COUNTER_SHARED, 7);
	add(test, LKMDEMO_COUNTER_SHARED, -counters->before[LKMDEMO_COUNTER_SHARED]);
	listener = add_listener(test, 0);

	add(test, LKMDEMO_COUNTER_SHARED, c->n);

	KUNIT_EXPECT_EQ(test, listener->calls, 1);
	KUNIT_EXPECT_EQ(test, listener->action, LKMDEMO_COUNTER_SHARED);
	KUNIT_EXPECT_EQ(test, listener->value, 7 + c->n);
}

static void notifier_is_called_on_every_change(struct kunit *test)
{
	struct listener *listener = add_listener(test, 0);

	add(test, LKMDEMO_COUNTER_SHARED, 1);
	add(test, LKMDEMO_COUNTER_SHARED, 1);
	add(test, LKMDEMO_COUNTER_SHARED, -2);

	KUNIT_EXPECT_EQ(test, listener->calls, 3);
}

static void notifier_is_not_called_for_an_add_of_0(struct kunit *test)
{
	struct listener *listener = add_listener(test, 0);

	add(test, LKMDEMO_COUNTER_SHARED, 0);

	KUNIT_EXPECT_EQ(test, listener->calls, 0);
}

static void notifier_is_called_for_shared_only(struct kunit *test)
{
	const struct counter_case *c = test->param_value;
	struct listener *listener = add_listener(test, 0);

	add(test, c->counter, 1);

	KUNIT_EXPECT_EQ(test, listener->calls,
			c->counter == LKMDEMO_COUNTER_SHARED);
}

static void notifier_is_not_called_out_of_range(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	struct listener *listener = add_listener(test, 0);

	lkmdemo_counter_add(c->index, 1);

	KUNIT_EXPECT_EQ(test, listener->calls, 0);
}

static void notifier_is_not_called_after_unregister(struct kunit *test)
{
	struct listener *listener = add_listener(test, 0);

	kunit_release_action(test, unregister, &listener->nb);
	add(test, LKMDEMO_COUNTER_SHARED, 1);

	KUNIT_EXPECT_EQ(test, listener->calls, 0);
}

static void unregister_removes_that_notifier_only(struct kunit *test)
{
	struct listener *stays = add_listener(test, 0);
	struct listener *goes = add_listener(test, 0);

	kunit_release_action(test, unregister, &goes->nb);
	add(test, LKMDEMO_COUNTER_SHARED, 1);

	KUNIT_EXPECT_EQ(test, stays->calls, 1);
}

static void unregister_succeeds(struct kunit *test)
{
	struct listener *listener = new_listener(test, 0);

	KUNIT_ASSERT_EQ(test, lkmdemo_register_notifier(&listener->nb), 0);
	KUNIT_EXPECT_EQ(test, lkmdemo_unregister_notifier(&listener->nb), 0);
}

static void unregister_of_an_unknown_notifier_is_enoent(struct kunit *test)
{
	struct listener *listener = new_listener(test, 0);

	KUNIT_EXPECT_EQ(test, lkmdemo_unregister_notifier(&listener->nb),
			-ENOENT);
}

static void register_twice_is_eexist(struct kunit *test)
{
	struct listener *listener = add_listener(test, 0);

	/* The notifier core warns. */
	kunit_warning_suppress(test)
		KUNIT_EXPECT_EQ(test, lkmdemo_register_notifier(&listener->nb),
				-EEXIST);
}

static void register_again_after_unregister_works(struct kunit *test)
{
	struct listener *listener = add_listener(test, 0);

	kunit_release_action(test, unregister, &listener->nb);
	register_nb(test, &listener->nb);
	add(test, LKMDEMO_COUNTER_SHARED, 1);

	KUNIT_EXPECT_EQ(test, listener->calls, 1);
}

static void notifiers_are_called_by_priority(struct kunit *test)
{
	struct listener *middle = add_listener(test, 1);
	struct listener *first = add_listener(test, 2);
	struct listener *last = add_listener(test, 0);

	add(test, LKMDEMO_COUNTER_SHARED, 1);

	KUNIT_EXPECT_EQ(test, middle->order, first->order + 1);
	KUNIT_EXPECT_EQ(test, last->order, middle->order + 1);
}

static void chained_notifiers_receive_the_same_value(struct kunit *test)
{
	struct listener *first = add_listener(test, 1);
	struct listener *second = add_listener(test, 0);

	add(test, LKMDEMO_COUNTER_SHARED, 1);

	KUNIT_EXPECT_EQ(test, first->calls, 1);
	KUNIT_EXPECT_EQ(test, second->calls, 1);
	KUNIT_EXPECT_EQ(test, first->value, second->value);
}

static void notify_stop_ends_the_chain(struct kunit *test)
{
	struct listener *stops = add_listener(test, 1);
	struct listener *behind = add_listener(test, 0);

	stops->ret = NOTIFY_STOP;

	add(test, LKMDEMO_COUNTER_SHARED, 1);

	KUNIT_EXPECT_EQ(test, stops->calls, 1);
	KUNIT_EXPECT_EQ(test, behind->calls, 0);
}

static void notify_stop_does_not_undo_the_change(struct kunit *test)
{
	struct listener *stops = add_listener(test, 0);

	stops->ret = NOTIFY_STOP;

	add(test, LKMDEMO_COUNTER_SHARED, 1);

	KUNIT_EXPECT_EQ(test, value(test, LKMDEMO_COUNTER_SHARED), 1);
}

struct sequence {
	struct notifier_block nb;
	s64 last;
	unsigned int out_of_order;
};

static int follow(struct notifier_block *nb, unsigned long action, void *data)
{
	struct sequence *sequence = container_of(nb, struct sequence, nb);
	s64 now = *(s64 *)data;

	if (now != sequence->last + 1)
		sequence->out_of_order++;
	sequence->last = now;

	return NOTIFY_OK;
}

static void concurrent_changes_are_notified_in_order(struct kunit *test)
{
	struct counters *counters = test->priv;
	struct sequence *sequence = lkmdemo_kunit_zalloc(test, sizeof(*sequence));

	sequence->nb.notifier_call = follow;
	sequence->last = counters->before[LKMDEMO_COUNTER_SHARED];
	register_nb(test, &sequence->nb);

	add_concurrently(test, LKMDEMO_COUNTER_SHARED);

	KUNIT_EXPECT_EQ(test, sequence->out_of_order, 0);
	KUNIT_EXPECT_EQ(test, sequence->last,
			lkmdemo_counter_read(LKMDEMO_COUNTER_SHARED));
}

/**
 * struct overtaking - a callback that runs until another thread waits for it
 * @nb: the notifier
 * @further: a notifier that @call may register
 * @call: what the other thread calls
 * @begun: the callback has begun
 * @other: the other thread, when it is about to call @call
 * @returned: @call has returned
 * @overtaken: @call has returned before the callback
 *
 * The callback sees either that the other thread sleeps in @call, or that @call has
 * returned: the result does not depend on time.
 */
struct overtaking {
	struct notifier_block nb;
	struct notifier_block further;
	void (*call)(struct overtaking *o);
	struct completion begun;
	struct task_struct *other;
	bool returned;
	bool overtaken;
};

static int wait_for_the_other(struct notifier_block *nb, unsigned long action, void *data)
{
	struct overtaking *o = container_of(nb, struct overtaking, nb);
	unsigned long end = jiffies + 20 * HZ;
	struct task_struct *other;

	/* The other thread may make a change. */
	if (READ_ONCE(o->other) == current)
		return NOTIFY_OK;

	complete(&o->begun);
	while (!READ_ONCE(o->returned) && time_before(jiffies, end)) {
		other = READ_ONCE(o->other);
		if (other && READ_ONCE(other->__state) == TASK_UNINTERRUPTIBLE)
			return NOTIFY_OK;
		usleep_range(500, 1000);
	}
	o->overtaken = true;

	return NOTIFY_OK;
}

static void change_or_call(void *data, unsigned int i)
{
	struct overtaking *o = data;

	if (i == 0) {
		lkmdemo_counter_add(LKMDEMO_COUNTER_SHARED, 1);
		return;
	}

	wait_for_completion(&o->begun);
	WRITE_ONCE(o->other, current);
	o->call(o);
	WRITE_ONCE(o->returned, true);
}

static bool is_overtaken(struct kunit *test, void (*call)(struct overtaking *o))
{
	struct overtaking *o = lkmdemo_kunit_zalloc(test, sizeof(*o));

	o->nb.notifier_call = wait_for_the_other;
	o->call = call;
	init_completion(&o->begun);
	register_nb(test, &o->nb);

	lkmdemo_kunit_race(test, 2, change_or_call, o);
	note_added(test, LKMDEMO_COUNTER_SHARED, 1);
	lkmdemo_unregister_notifier(&o->further);

	return o->overtaken;
}

static void call_unregister(struct overtaking *o)
{
	lkmdemo_unregister_notifier(&o->nb);
}

static void notifier_and_unregister(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, is_overtaken(test, call_unregister));
}

static int ignore(struct notifier_block *nb, unsigned long action, void *data)
{
	return NOTIFY_OK;
}

static void call_register(struct overtaking *o)
{
	o->further.notifier_call = ignore;
	lkmdemo_register_notifier(&o->further);
}

static void notifier_and_register(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, is_overtaken(test, call_register));
}

static void call_add(struct overtaking *o)
{
	lkmdemo_counter_add(LKMDEMO_COUNTER_SHARED, 1);
}

static void notifier_and_change(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, is_overtaken(test, call_add));
	note_added(test, LKMDEMO_COUNTER_SHARED, 1);
}

#ifdef MODULE
static void put_kobject(void *kobj)
{
	kobject_put(kobj);
}

/* At load, a refused parameter is refused together with the module. */
static void shared_cannot_be_set(struct kunit *test)
{
	const struct kernel_param *kp;
	struct module *mod;
	struct kobject *kobj;

	kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, "lkmdemo_counter");
	KUNIT_ASSERT_NOT_NULL(test, kobj);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, put_kobject, kobj), 0);
	mod = container_of(kobj, struct module_kobject, kobj)->mod;
	if (!mod)
		kunit_skip(test, "lkmdemo_counter is built in");

	for (kp = mod->kp; kp < mod->kp + mod->num_kp; kp++)
		if (!strcmp(kp->name, "shared"))
			break;
	KUNIT_ASSERT_LT(test, kp - mod->kp, mod->num_kp);

	KUNIT_EXPECT_EQ(test, kp->ops->set("7", kp), -EPERM);
}
#endif

static struct kunit_case counter_test_cases[] = {
	KUNIT_CASE_PARAM(add_changes_that_counter_only, counter_gen_params),
	KUNIT_CASE_PARAM(negative_add_subtracts, counter_gen_params),
	KUNIT_CASE_PARAM(add_has_64_bits, counter_gen_params),
	KUNIT_CASE_PARAM(out_of_range_has_no_effect, range_gen_params),
	KUNIT_CASE_PARAM(out_of_range_reads_as_0, range_gen_params),
	KUNIT_CASE_PARAM(concurrent_additions_are_exact, counter_gen_params),
	KUNIT_CASE(additions_on_every_processor_count),
	KUNIT_CASE(additions_in_interrupts_are_exact),
	KUNIT_CASE_PARAM(notifier_receives_the_new_value, change_gen_params),
	KUNIT_CASE(notifier_is_called_on_every_change),
	KUNIT_CASE(notifier_is_not_called_for_an_add_of_0),
	KUNIT_CASE_PARAM(notifier_is_called_for_shared_only,
			 counter_gen_params),
	KUNIT_CASE_PARAM(notifier_is_not_called_out_of_range,
			 range_gen_params),
	KUNIT_CASE(notifier_is_not_called_after_unregister),
	KUNIT_CASE(unregister_removes_that_notifier_only),
	KUNIT_CASE(unregister_succeeds),
	KUNIT_CASE(unregister_of_an_unknown_notifier_is_enoent),
	KUNIT_CASE(register_twice_is_eexist),
	KUNIT_CASE(register_again_after_unregister_works),
	KUNIT_CASE(notifiers_are_called_by_priority),
	KUNIT_CASE(chained_notifiers_receive_the_same_value),
	KUNIT_CASE(notify_stop_ends_the_chain),
	KUNIT_CASE(notify_stop_does_not_undo_the_change),
	KUNIT_CASE(concurrent_changes_are_notified_in_order),
	KUNIT_CASE(notifier_and_unregister),
	KUNIT_CASE(notifier_and_register),
	KUNIT_CASE(notifier_and_change),
#ifdef MODULE
	KUNIT_CASE(shared_cannot_be_set),
#endif
	{}
};

static struct kunit_suite counter_suite = {
	.name = "lkmdemo_counter",
	.init = counter_init,
	.exit = counter_exit,
	.test_cases = counter_test_cases,
};

kunit_test_suite(counter_suite);
