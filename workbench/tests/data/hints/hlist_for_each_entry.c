// SPDX-License-Identifier: GPL-2.0-only
#include <linux/list.h>
#include <linux/module.h>

struct demo {
	struct hlist_node node;
};

static HLIST_HEAD(demo_list);

static int __init demo_init(void)
{
	struct demo *item;
	struct hlist_node *pos;

	hlist_for_each_entry(item, pos, &demo_list, node)
		return 1;
	return 0;
}
module_init(demo_init);
