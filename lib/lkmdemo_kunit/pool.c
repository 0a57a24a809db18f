// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: its items, their order, the measurement, and the file in debugfs.
 */
#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/math.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "helpers.h"
#include "pool.h"

struct pool_case {
	const char *desc;
	unsigned int nr;
	enum lkmdemo_pool_kind kind;
};

static const struct pool_case good_cases[] = {
	{ "array of 1", 1, LKMDEMO_POOL_ARRAY },
	{ "array of 2", 2, LKMDEMO_POOL_ARRAY },
	{ "array of 1000", 1000, LKMDEMO_POOL_ARRAY },
	{ "array of 65536", 65536, LKMDEMO_POOL_ARRAY },
	{ "1 single", 1, LKMDEMO_POOL_SINGLE },
	{ "2 singles", 2, LKMDEMO_POOL_SINGLE },
	{ "1000 singles", 1000, LKMDEMO_POOL_SINGLE },
};

KUNIT_ARRAY_PARAM_DESC(good, good_cases, desc);

static const struct pool_case bad_cases[] = {
	{ "array of 0", 0, LKMDEMO_POOL_ARRAY },
	{ "array of 65537", 65537, LKMDEMO_POOL_ARRAY },
	{ "array of UINT_MAX", UINT_MAX, LKMDEMO_POOL_ARRAY },
	{ "0 singles", 0, LKMDEMO_POOL_SINGLE },
	{ "65537 singles", 65537, LKMDEMO_POOL_SINGLE },
	{ "UINT_MAX singles", UINT_MAX, LKMDEMO_POOL_SINGLE },
};

KUNIT_ARRAY_PARAM_DESC(bad, bad_cases, desc);

static void destroy(void *pool)
{
	lkmdemo_pool_destroy(pool);
}

/* Create a pool until the end of the test. */
static struct lkmdemo_pool *new_pool(struct kunit *test, unsigned int nr,
				     enum lkmdemo_pool_kind kind)
{
	struct lkmdemo_pool *pool = lkmdemo_kunit_zalloc(test, sizeof(*pool));

	KUNIT_ASSERT_EQ(test, lkmdemo_pool_create(pool, nr, kind), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, destroy, pool),
			0);

	return pool;
}

/* Create the pool of the parameter. */
static struct lkmdemo_pool *case_pool(struct kunit *test)
{
	const struct pool_case *c = test->param_value;

	return new_pool(test, c->nr, c->kind);
}

static void pool_has_the_requested_items(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool *pool = case_pool(test);

	KUNIT_EXPECT_EQ(test, list_count_nodes(&pool->items), c->nr);
}

static void ids_count_from_0(struct kunit *test)
{
	struct lkmdemo_pool *pool = case_pool(test);
	struct lkmdemo_item *item;
	unsigned int id = 0;

	list_for_each_entry(item, &pool->items, node)
		KUNIT_ASSERT_EQ(test, item->id, id++);
}

static void names_contain_the_id(struct kunit *test)
{
	struct lkmdemo_pool *pool = case_pool(test);
	struct lkmdemo_item *item;
	char name[32];

	list_for_each_entry(item, &pool->items, node) {
		snprintf(name, sizeof(name), "Item %u", item->id);
		KUNIT_ASSERT_STREQ(test, item->name, name);
	}
}

static void longest_name_is_complete(struct kunit *test)
{
	struct lkmdemo_pool *pool = new_pool(test, LKMDEMO_POOL_MAX,
					     LKMDEMO_POOL_ARRAY);

	KUNIT_EXPECT_STREQ(test, list_last_entry(&pool->items,
						 struct lkmdemo_item,
						 node)->name, "Item 65535");
}

static void items_of_an_array_are_adjacent(struct kunit *test)
{
	struct lkmdemo_pool *pool = new_pool(test, 1000, LKMDEMO_POOL_ARRAY);
	struct lkmdemo_item *item;
	unsigned int i = 0;

	list_for_each_entry(item, &pool->items, node)
		KUNIT_ASSERT_PTR_EQ(test, item, &pool->array[i++]);
}

static void singles_have_no_array(struct kunit *test)
{
	struct lkmdemo_pool *pool = new_pool(test, 1000, LKMDEMO_POOL_SINGLE);

	KUNIT_EXPECT_NULL(test, pool->array);
}

static void create_out_of_range_is_einval(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool pool;

	KUNIT_EXPECT_EQ(test, lkmdemo_pool_create(&pool, c->nr, c->kind),
			-EINVAL);
}

static void refused_pool_is_empty(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool pool;

	lkmdemo_pool_create(&pool, c->nr, c->kind);

	KUNIT_EXPECT_TRUE(test, list_empty(&pool.items));
	KUNIT_EXPECT_NULL(test, pool.array);
}

static void destroyed_pool_is_empty(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool pool;

	KUNIT_ASSERT_EQ(test, lkmdemo_pool_create(&pool, c->nr, c->kind), 0);
	lkmdemo_pool_destroy(&pool);

	KUNIT_EXPECT_TRUE(test, list_empty(&pool.items));
	KUNIT_EXPECT_NULL(test, pool.array);
}

static void walk_visits_every_item(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool *pool = case_pool(test);

	KUNIT_EXPECT_EQ(test, lkmdemo_pool_walk(pool),
			(u64)c->nr * (c->nr - 1) / 2);
}

static void measure_walks_every_item(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool_times times;

	KUNIT_ASSERT_EQ(test, lkmdemo_pool_measure(&times, c->nr, c->kind), 0);
	KUNIT_EXPECT_EQ(test, times.sum, (u64)times.items * (c->nr - 1) / 2);
}

static void measure_covers_at_least_1024_items(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool_times times;

	KUNIT_ASSERT_EQ(test, lkmdemo_pool_measure(&times, c->nr, c->kind), 0);
	KUNIT_EXPECT_EQ(test, times.items, roundup(1024, c->nr));
}

static void measure_sets_each_field(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool_times times;

	memset(&times, 0xff, sizeof(times));

	KUNIT_ASSERT_EQ(test, lkmdemo_pool_measure(&times, c->nr, c->kind), 0);
	KUNIT_EXPECT_EQ(test, times.items, roundup(1024, c->nr));
	KUNIT_EXPECT_EQ(test, times.sum, (u64)times.items * (c->nr - 1) / 2);
}

static void measured_times_are_positive(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool_times times;

	KUNIT_ASSERT_EQ(test, lkmdemo_pool_measure(&times, c->nr, c->kind), 0);
	KUNIT_EXPECT_GT(test, times.allocate, 0);
	KUNIT_EXPECT_GT(test, times.walk, 0);
	KUNIT_EXPECT_GT(test, times.free, 0);
}

static void measured_times_are_within_the_elapsed_time(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool_times times;
	u64 elapsed, start = ktime_get_ns();

	KUNIT_ASSERT_EQ(test, lkmdemo_pool_measure(&times, c->nr, c->kind), 0);
	elapsed = ktime_get_ns() - start;
	/* A negative time may make the sum small. */
	KUNIT_EXPECT_LE(test, times.allocate, elapsed);
	KUNIT_EXPECT_LE(test, times.walk, elapsed);
	KUNIT_EXPECT_LE(test, times.free, elapsed);
	KUNIT_EXPECT_LE(test, times.allocate + times.walk + times.free,
			elapsed);
}

static void measure_out_of_range_is_einval(struct kunit *test)
{
	const struct pool_case *c = test->param_value;
	struct lkmdemo_pool_times times;

	KUNIT_EXPECT_EQ(test, lkmdemo_pool_measure(&times, c->nr, c->kind),
			-EINVAL);
}

/* Return the state of a read of the file items. */
static struct seq_file *new_sequence(struct kunit *test,
				     struct lkmdemo_pool *pool)
{
	struct seq_file *m = lkmdemo_kunit_zalloc(test, sizeof(*m));

	m->private = pool;

	return m;
}

struct start_case {
	const char *desc;
	loff_t pos;
	int id;
};

/* In a pool of 3. The id -1 stands for no item. */
static const struct start_case start_cases[] = {
	{ "0", 0, 0 },
	{ "1", 1, 1 },
	{ "the last", 2, 2 },
	{ "the end", 3, -1 },
	{ "past the end", 4, -1 },
};

KUNIT_ARRAY_PARAM_DESC(start, start_cases, desc);

static void sequence_starts_at_any_position(struct kunit *test)
{
	const struct start_case *c = test->param_value;
	struct lkmdemo_pool *pool = new_pool(test, 3, LKMDEMO_POOL_ARRAY);
	struct seq_file *m = new_sequence(test, pool);
	loff_t pos = c->pos;
	void *v;

	v = lkmdemo_pool_items_sops.start(m, &pos);
	lkmdemo_pool_items_sops.stop(m, v);

	KUNIT_EXPECT_PTR_EQ(test, v,
			    c->id < 0 ? NULL : &pool->array[c->id].node);
}

static void sequence_returns_each_item_once(struct kunit *test)
{
	struct lkmdemo_pool *pool = new_pool(test, 3, LKMDEMO_POOL_ARRAY);
	const struct seq_operations *ops = &lkmdemo_pool_items_sops;
	struct seq_file *m = new_sequence(test, pool);
	loff_t pos = 0;
	void *v;
	int i;

	v = ops->start(m, &pos);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, pos, i);
		KUNIT_ASSERT_PTR_EQ(test, v, &pool->array[i].node);
		v = ops->next(m, v, &pos);
	}
	ops->stop(m, v);

	KUNIT_EXPECT_NULL(test, v);
}

static void sequence_shows_id_and_name(struct kunit *test)
{
	struct lkmdemo_pool *pool = new_pool(test, 8, LKMDEMO_POOL_ARRAY);
	struct list_head *last = &pool->array[7].node;
	struct seq_file *m = new_sequence(test, pool);
	char line[32] = "";

	m->buf = line;
	m->size = sizeof(line);

	KUNIT_EXPECT_EQ(test, lkmdemo_pool_items_sops.show(m, last), 0);
	line[m->count] = '\0';
	KUNIT_EXPECT_STREQ(test, line, "7 Item 7\n");
}

static struct kunit_case pool_test_cases[] = {
	KUNIT_CASE_PARAM(pool_has_the_requested_items, good_gen_params),
	KUNIT_CASE_PARAM(ids_count_from_0, good_gen_params),
	KUNIT_CASE_PARAM(names_contain_the_id, good_gen_params),
	KUNIT_CASE(longest_name_is_complete),
	KUNIT_CASE(items_of_an_array_are_adjacent),
	KUNIT_CASE(singles_have_no_array),
	KUNIT_CASE_PARAM(create_out_of_range_is_einval, bad_gen_params),
	KUNIT_CASE_PARAM(refused_pool_is_empty, bad_gen_params),
	KUNIT_CASE_PARAM(destroyed_pool_is_empty, good_gen_params),
	KUNIT_CASE_PARAM(walk_visits_every_item, good_gen_params),
	KUNIT_CASE_PARAM(measure_walks_every_item, good_gen_params),
	KUNIT_CASE_PARAM(measure_covers_at_least_1024_items,
			 good_gen_params),
	KUNIT_CASE_PARAM(measure_sets_each_field, good_gen_params),
	KUNIT_CASE_PARAM(measured_times_are_positive, good_gen_params),
	KUNIT_CASE_PARAM(measured_times_are_within_the_elapsed_time,
			 good_gen_params),
	KUNIT_CASE_PARAM(measure_out_of_range_is_einval, bad_gen_params),
	KUNIT_CASE_PARAM(sequence_starts_at_any_position, start_gen_params),
	KUNIT_CASE(sequence_returns_each_item_once),
	KUNIT_CASE(sequence_shows_id_and_name),
	{}
};

static struct kunit_suite pool_suite = {
	.name = "lkmdemo_pool",
	.test_cases = pool_test_cases,
};

kunit_test_suite(pool_suite);
