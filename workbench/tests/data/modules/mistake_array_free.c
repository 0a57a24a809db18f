// SPDX-License-Identifier: GPL-2.0-only
/* The items of one array are freed one by one. */

#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>

struct item {
	struct list_head node;
	int value;
};

static LIST_HEAD(list);

static int __init demo_init(void)
{
	struct item *items = kmalloc_array(8, sizeof(*items), GFP_KERNEL);
	int i;

	if (!items)
		return -ENOMEM;
	for (i = 0; i < 8; i++)
		list_add_tail(&items[i].node, &list);
	return 0;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	struct item *item, *next;

	list_for_each_entry_safe(item, next, &list, node) {
		list_del(&item->node);
		kfree(item);
	}
}
module_exit(demo_exit);

MODULE_DESCRIPTION("List of items");
MODULE_LICENSE("GPL");
