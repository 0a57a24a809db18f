// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loaded before the modules of a trial, which are compiled with calls of
 * __sanitizer_cov_trace_pc(), and with KASAN.
 */
#include <linux/debugfs.h>
#include <linux/ioctl.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/preempt.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

/* The names of threads, see probe/opening.c. */
#define RACES	"probe-race"
#define HOLDS	"probe-hold"

/* The constructors of a module, which make the redzones of its variables. */
struct constructors {
	struct list_head node;
	struct rcu_head rcu;
	struct module *module;
	unsigned int count;
	ctor_fn_t functions[] __counted_by(count);
};

static LIST_HEAD(list);
static DEFINE_MUTEX(lock);

static char unheld[MODULE_NAME_LEN];
module_param_string(unheld, unheld, sizeof(unheld), 0600);
MODULE_PARM_DESC(unheld, "the module that a file operation ran in without a reference");

/* Check that there is a reference to the module, or it could be unloaded here. */
static void check_reference(unsigned long address)
{
	struct constructors *entry;

	guard(rcu)();
	list_for_each_entry_rcu(entry, &list, node)
		if (within_module(address, entry->module) && !module_refcount(entry->module))
			strscpy(unheld, entry->module->name);
}

void __sanitizer_cov_trace_pc(void);

/* Called by modules at each branch. */
void __sanitizer_cov_trace_pc(void)
{
	if (in_task() && strstarts(current->comm, HOLDS))
		check_reference(_RET_IP_);
	/* um switches between threads only where one sleeps: let them race here as well. */
	if (preemptible() && !rcu_preempt_depth() && task_is_running(current) &&
	    strstarts(current->comm, RACES))
		yield();
}
EXPORT_SYMBOL(__sanitizer_cov_trace_pc);

static void add(struct module *module)
{
	struct constructors *entry;

	entry = kzalloc(struct_size(entry, functions, module->num_ctors), GFP_KERNEL);
	if (!entry)
		return;
	entry->module = module;
	entry->count = module->num_ctors;
	memcpy(entry->functions, module->ctors, entry->count * sizeof(entry->functions[0]));
	list_add_rcu(&entry->node, &list);
}

static void remove(struct module *module)
{
	struct constructors *entry, *next;

	list_for_each_entry_safe(entry, next, &list, node)
		if (entry->module == module) {
			list_del_rcu(&entry->node);
			kfree_rcu(entry, rcu);
		}
}

static int notify(struct notifier_block *block, unsigned long state, void *module)
{
	guard(mutex)(&lock);
	/* What lists the constructors is freed when the module is live. */
	if (state == MODULE_STATE_COMING)
		add(module);
	else if (state == MODULE_STATE_GOING)
		remove(module);

	return NOTIFY_OK;
}

static struct notifier_block block = {
	.notifier_call = notify,
};

/*
 * Make the redzones again. On um, kasan_release_vmalloc_node() takes them from all
 * that lies between two areas that are freed.
 */
static int redzones_set(const char *value, const struct kernel_param *param)
{
	struct constructors *entry;
	unsigned int i;

	guard(mutex)(&lock);
	list_for_each_entry(entry, &list, node)
		for (i = 0; i < entry->count; i++)
			entry->functions[i]();

	return 0;
}

static const struct kernel_param_ops redzones_ops = {
	.set = redzones_set,
};
module_param_cb(redzones, &redzones_ops, NULL, 0200);
MODULE_PARM_DESC(redzones, "any value: make the redzones of modules again");

/* The commands of the file "lockdep", which agent.py calls. */
#define DISABLE	_IO('L', 0)
#define ENABLE	_IO('L', 1)

/*
 * Disable lockdep for the calling task, or enable it again. Unlike a write to a file, an
 * ioctl holds no lock meanwhile, which lockdep would lose.
 */
static long set_lockdep(struct file *file, unsigned int command, unsigned long arg)
{
	if (command == DISABLE)
		lockdep_off();
	else if (command == ENABLE)
		lockdep_on();
	else
		return -ENOTTY;

	return 0;
}

static const struct file_operations lockdep_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = set_lockdep,
};

static struct dentry *directory;

static int __init helper_init(void)
{
	/* The unsafe form, because the proxy of the other one holds a lock. */
	directory = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file_unsafe("lockdep", 0400, directory, NULL, &lockdep_fops);

	return register_module_notifier(&block);
}
module_init(helper_init);

static void __exit helper_exit(void)
{
	struct constructors *entry, *next;

	debugfs_remove(directory);
	unregister_module_notifier(&block);
	list_for_each_entry_safe(entry, next, &list, node)
		kfree(entry);
}
module_exit(helper_exit);

MODULE_DESCRIPTION("Helps the checkers of the kernel with the modules of a trial");
MODULE_LICENSE("GPL");
