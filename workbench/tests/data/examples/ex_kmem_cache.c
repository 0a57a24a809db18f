// SPDX-License-Identifier: GPL-2.0-only

#include <linux/module.h>
#include <linux/slab.h>

struct ex_object {
	int number;
	char name[20];
};

static struct kmem_cache *cache;
static struct ex_object *object;

static int __init ex_init(void)
{
	cache = KMEM_CACHE(ex_object, 0);
	if (!cache)
		return -ENOMEM;
	object = kmem_cache_zalloc(cache, GFP_KERNEL);
	if (!object) {
		kmem_cache_destroy(cache);
		return -ENOMEM;
	}
	object->number = 1;
	return 0;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	kmem_cache_free(cache, object);
	kmem_cache_destroy(cache);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("A cache of objects");
MODULE_LICENSE("GPL");
