// SPDX-License-Identifier: GPL-2.0-only
/* The array is freed. */

#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>

struct item {
	struct list_head node;
	int value;
};

static LIST_HEAD(list);
static struct item *items;

static int __init demo_init(void)
{
	int i;

	items = kmalloc_array(8, sizeof(*items), GFP_KERNEL);
	if (!items)
		return -ENOMEM;
	for (i = 0; i < 8; i++)
		list_add_tail(&items[i].node, &list);
	return 0;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	kfree(items);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("List of items");
MODULE_LICENSE("GPL");
