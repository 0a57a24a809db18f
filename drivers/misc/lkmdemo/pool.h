/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_POOL_H
#define _LKMDEMO_POOL_H

#include <linux/types.h>

struct seq_operations;

#define LKMDEMO_POOL_MAX	65536

/* Minimum number of items in a measurement. */
#define LKMDEMO_POOL_MEASURED	1024

/**
 * enum lkmdemo_pool_kind - how the items of a pool are allocated
 * @LKMDEMO_POOL_ARRAY: one allocation for all items
 * @LKMDEMO_POOL_SINGLE: one allocation for each item
 */
enum lkmdemo_pool_kind {
	LKMDEMO_POOL_ARRAY,
	LKMDEMO_POOL_SINGLE,
};

/**
 * struct lkmdemo_item - an item of a pool
 * @node: entry in the list of the pool
 * @id: number of the item, from 0
 * @name: "Item " and the id
 */
struct lkmdemo_item {
	struct list_head node;
	unsigned int id;
	char name[16];
};

/**
 * struct lkmdemo_pool - a constant list of items
 * @items: the list, in the order of the ids
 * @array: allocation of all items, NULL if each has its own
 */
struct lkmdemo_pool {
	struct list_head items;
	struct lkmdemo_item *array;
};

/**
 * struct lkmdemo_pool_times - result of a measurement, in nanoseconds
 * @allocate: time to allocate and link all items
 * @walk: time to visit all items
 * @free: time to free all items
 * @sum: sum of the ids of the visited items
 * @items: number of items
 */
struct lkmdemo_pool_times {
	u64 allocate;
	u64 walk;
	u64 free;
	u64 sum;
	unsigned int items;
};

int lkmdemo_pool_create(struct lkmdemo_pool *pool, unsigned int nr,
			enum lkmdemo_pool_kind kind);
void lkmdemo_pool_destroy(struct lkmdemo_pool *pool);
u64 lkmdemo_pool_walk(const struct lkmdemo_pool *pool);
int lkmdemo_pool_measure(struct lkmdemo_pool_times *times, unsigned int nr,
			 enum lkmdemo_pool_kind kind);

extern const struct seq_operations lkmdemo_pool_items_sops;

#endif /* _LKMDEMO_POOL_H */
