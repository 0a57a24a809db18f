/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_POOL_H
#define _LKMDEMO_POOL_H

#include <linux/types.h>

struct seq_operations;

#define LKMDEMO_POOL_MAX	65536

/* How many items are measured at least. */
#define LKMDEMO_POOL_MEASURED	1024

/**
 * enum lkmdemo_pool_kind - where the items of a pool come from
 * @LKMDEMO_POOL_ARRAY: one allocation for all
 * @LKMDEMO_POOL_SINGLE: one allocation each
 */
enum lkmdemo_pool_kind {
	LKMDEMO_POOL_ARRAY,
	LKMDEMO_POOL_SINGLE,
};

/**
 * struct lkmdemo_item - what a pool is made of
 * @node: in the list of the pool
 * @id: from 0 on
 * @name: "Item " and the id
 */
struct lkmdemo_item {
	struct list_head node;
	unsigned int id;
	char name[16];
};

/**
 * struct lkmdemo_pool - items on a list, which never changes
 * @items: the list, in the order of the ids
 * @array: the items' memory, when they have it in common
 */
struct lkmdemo_pool {
	struct list_head items;
	struct lkmdemo_item *array;
};

/**
 * struct lkmdemo_pool_times - how long the life of pools took, in nanoseconds
 * @allocate: to allocate all items and link them
 * @walk: to visit all items
 * @free: to free all items
 * @sum: of the ids, as the walks found it
 * @items: how many items there were
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
