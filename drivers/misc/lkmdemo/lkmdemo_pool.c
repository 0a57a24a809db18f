// SPDX-License-Identifier: GPL-2.0-only
/*
 * A list of items that share one allocation, shown in debugfs, and its cost
 * compared with one allocation for each item.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <kunit/visibility.h>
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sprintf.h>
#include <linux/string.h>

#include "pool.h"

static unsigned int lkmdemo_pool_nr_items = 1000;
module_param_named(nr_items, lkmdemo_pool_nr_items, uint, 0444);
MODULE_PARM_DESC(nr_items, "number of items in the pool, 1 to 65536 (default 1000)");

static struct lkmdemo_pool lkmdemo_pool;
static struct dentry *lkmdemo_pool_dir;

static int lkmdemo_pool_allocate(struct lkmdemo_pool *pool, unsigned int nr,
				 enum lkmdemo_pool_kind kind)
{
	struct lkmdemo_item *item;
	unsigned int i;

	INIT_LIST_HEAD(&pool->items);
	pool->array = NULL;

	if (nr < 1 || nr > LKMDEMO_POOL_MAX)
		return -EINVAL;

	if (kind == LKMDEMO_POOL_ARRAY) {
		pool->array = kvmalloc_objs(*pool->array, nr);
		if (!pool->array)
			return -ENOMEM;
	}

	for (i = 0; i < nr; i++) {
		item = pool->array ? &pool->array[i] : kmalloc_obj(*item);
		if (!item) {
			lkmdemo_pool_destroy(pool);
			return -ENOMEM;
		}
		list_add_tail(&item->node, &pool->items);
	}

	return 0;
}

static void lkmdemo_pool_fill(struct lkmdemo_pool *pool)
{
	struct lkmdemo_item *item;
	unsigned int id = 0;

	list_for_each_entry(item, &pool->items, node) {
		item->id = id++;
		snprintf(item->name, sizeof(item->name), "Item %u", item->id);
	}
}

/**
 * lkmdemo_pool_create() - create a pool
 * @pool: the pool, which is empty after an error
 * @nr: number of items, 1 to LKMDEMO_POOL_MAX
 * @kind: how to allocate the items
 *
 * Context: Process context, may sleep.
 * Return: 0, -EINVAL if @nr is out of range, or -ENOMEM.
 */
int lkmdemo_pool_create(struct lkmdemo_pool *pool, unsigned int nr,
			enum lkmdemo_pool_kind kind)
{
	int ret;

	ret = lkmdemo_pool_allocate(pool, nr, kind);
	if (ret)
		return ret;

	lkmdemo_pool_fill(pool);

	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_pool_create);

/**
 * lkmdemo_pool_destroy() - free the items of a pool
 * @pool: the pool, which is empty afterwards
 *
 * Context: Process context, may sleep.
 */
void lkmdemo_pool_destroy(struct lkmdemo_pool *pool)
{
	struct lkmdemo_item *item, *next;

	if (pool->array)
		kvfree(pool->array);
	else
		list_for_each_entry_safe(item, next, &pool->items, node)
			kfree(item);

	INIT_LIST_HEAD(&pool->items);
	pool->array = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_pool_destroy);

/**
 * lkmdemo_pool_walk() - visit all items of a pool
 * @pool: the pool
 *
 * Context: Any.
 * Return: The sum of the ids.
 */
u64 lkmdemo_pool_walk(const struct lkmdemo_pool *pool)
{
	struct lkmdemo_item *item;
	u64 sum = 0;

	list_for_each_entry(item, &pool->items, node)
		sum += item->id;

	return sum;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_pool_walk);

static int lkmdemo_pool_measure_once(struct lkmdemo_pool_times *times,
				     unsigned int nr, enum lkmdemo_pool_kind kind)
{
	struct lkmdemo_pool pool;
	u64 start;
	int ret;

	start = ktime_get_ns();
	ret = lkmdemo_pool_allocate(&pool, nr, kind);
	times->allocate += ktime_get_ns() - start;
	if (ret)
		return ret;

	/* Not timed: formatting the names takes longer than everything else. */
	lkmdemo_pool_fill(&pool);

	start = ktime_get_ns();
	times->sum += lkmdemo_pool_walk(&pool);
	times->walk += ktime_get_ns() - start;

	start = ktime_get_ns();
	lkmdemo_pool_destroy(&pool);
	times->free += ktime_get_ns() - start;

	times->items += nr;

	return 0;
}

/**
 * lkmdemo_pool_measure() - measure allocation, walk and free
 * @times: the result
 * @nr: number of items of a pool, 1 to LKMDEMO_POOL_MAX
 * @kind: how to allocate the items
 *
 * The clock may be too coarse for a small pool. Pools are created and destroyed
 * until they had LKMDEMO_POOL_MEASURED items in total.
 *
 * Context: Process context, may sleep.
 * Return: 0, -EINVAL if @nr is out of range, or -ENOMEM.
 */
int lkmdemo_pool_measure(struct lkmdemo_pool_times *times, unsigned int nr,
			 enum lkmdemo_pool_kind kind)
{
	int ret;

	memset(times, 0, sizeof(*times));
	do {
		ret = lkmdemo_pool_measure_once(times, nr, kind);
	} while (!ret && times->items < LKMDEMO_POOL_MEASURED);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_pool_measure);

static void *lkmdemo_pool_items_start(struct seq_file *m, loff_t *pos)
{
	struct lkmdemo_pool *pool = m->private;

	return seq_list_start(&pool->items, *pos);
}

static void *lkmdemo_pool_items_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct lkmdemo_pool *pool = m->private;

	return seq_list_next(v, &pool->items, pos);
}

/* Nothing to unlock: the list is constant while the file exists. */
static void lkmdemo_pool_items_stop(struct seq_file *m, void *v)
{
}

static int lkmdemo_pool_items_show(struct seq_file *m, void *v)
{
	struct lkmdemo_item *item = list_entry(v, struct lkmdemo_item, node);

	seq_printf(m, "%u %s\n", item->id, item->name);

	return 0;
}

const struct seq_operations lkmdemo_pool_items_sops = {
	.start = lkmdemo_pool_items_start,
	.next = lkmdemo_pool_items_next,
	.stop = lkmdemo_pool_items_stop,
	.show = lkmdemo_pool_items_show,
};
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_pool_items_sops);
DEFINE_SEQ_ATTRIBUTE(lkmdemo_pool_items);

/* Rounded up to thousandths, so that a positive time does not show as 0. */
static void lkmdemo_pool_timing_figure(struct seq_file *m, u64 total,
				       unsigned int items)
{
	u64 each = DIV_ROUND_UP_ULL(total * 1000, items);
	u32 thousandths;

	each = div_u64_rem(each, 1000, &thousandths);
	seq_printf(m, " %8llu.%03u", each, thousandths);
}

static int lkmdemo_pool_timing_row(struct seq_file *m, const char *title,
				   enum lkmdemo_pool_kind kind)
{
	struct lkmdemo_pool_times times;
	int ret;

	ret = lkmdemo_pool_measure(&times, lkmdemo_pool_nr_items, kind);
	if (ret)
		return ret;

	seq_puts(m, title);
	lkmdemo_pool_timing_figure(m, times.allocate, times.items);
	lkmdemo_pool_timing_figure(m, times.walk, times.items);
	lkmdemo_pool_timing_figure(m, times.free, times.items);
	seq_putc(m, '\n');

	return 0;
}

static int lkmdemo_pool_timing_show(struct seq_file *m, void *unused)
{
	int ret;

	seq_puts(m, "ns/item     allocate         walk         free\n");
	ret = lkmdemo_pool_timing_row(m, "array  ", LKMDEMO_POOL_ARRAY);
	if (ret)
		return ret;

	return lkmdemo_pool_timing_row(m, "single ", LKMDEMO_POOL_SINGLE);
}
DEFINE_SHOW_ATTRIBUTE(lkmdemo_pool_timing);

static int __init lkmdemo_pool_init(void)
{
	int ret;

	ret = lkmdemo_pool_create(&lkmdemo_pool, lkmdemo_pool_nr_items,
				  LKMDEMO_POOL_ARRAY);
	if (ret == -EINVAL)
		pr_err("nr_items %u is not from 1 to %u\n",
		       lkmdemo_pool_nr_items, LKMDEMO_POOL_MAX);
	if (ret)
		return ret;

	lkmdemo_pool_dir = debugfs_create_dir("lkmdemo_pool", NULL);
	debugfs_create_file("items", 0400, lkmdemo_pool_dir, &lkmdemo_pool,
			    &lkmdemo_pool_items_fops);
	debugfs_create_file("timing", 0400, lkmdemo_pool_dir, NULL,
			    &lkmdemo_pool_timing_fops);

	return 0;
}
module_init(lkmdemo_pool_init);

static void __exit lkmdemo_pool_exit(void)
{
	debugfs_remove(lkmdemo_pool_dir);
	lkmdemo_pool_destroy(&lkmdemo_pool);
}
module_exit(lkmdemo_pool_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Preallocated pool, compared with one allocation per item");
MODULE_LICENSE("GPL");
