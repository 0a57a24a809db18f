// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/lkmdemo/state: everything about the device, for people.
 */
#include <linux/debugfs.h>
#include <linux/lkmdemo.h>
#include <linux/seq_file.h>
#include <linux/string_choices.h>

#include "lkmdemo.h"

static const char * const lkmdemo_counter_names[] = {
	[LKMDEMO_COUNTER_SHARED] = "shared",
	[LKMDEMO_COUNTER_OPENS] = "opens",
	[LKMDEMO_COUNTER_OPENS_REFUSED] = "opens_refused",
	[LKMDEMO_COUNTER_READS] = "reads",
	[LKMDEMO_COUNTER_WRITES] = "writes",
	[LKMDEMO_COUNTER_BYTES_READ] = "bytes_read",
	[LKMDEMO_COUNTER_BYTES_WRITTEN] = "bytes_written",
};

static_assert(ARRAY_SIZE(lkmdemo_counter_names) == LKMDEMO_NR_COUNTERS);

static int lkmdemo_state_show(struct seq_file *m, void *unused)
{
	struct lkmdemo_device *dev = m->private;
	struct lkmdemo_info info;
	unsigned int i;

	lkmdemo_message_info(&dev->message, &info);
	seq_printf(m, "capacity: %u\n", info.capacity);
	seq_printf(m, "length: %u\n", info.length);
	seq_printf(m, "generation: %llu\n", info.generation);
	for (i = 0; i < LKMDEMO_NR_COUNTERS; i++)
		seq_printf(m, "%s: %lld\n", lkmdemo_counter_names[i],
			   lkmdemo_counter_read(i));
	seq_printf(m, "exclusive: %c\n", READ_ONCE(dev->exclusive) ? 'Y' : 'N');
	seq_printf(m, "openers: %d\n", atomic_read(&dev->openers));
	seq_printf(m, "waiting for a change: %s\n",
		   str_yes_no(wq_has_sleeper(&dev->message.changed)));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(lkmdemo_state);

/* An error is of no consequence: the device works without. */
void lkmdemo_debugfs_add(struct lkmdemo_device *dev)
{
	dev->debugfs = debugfs_create_dir("lkmdemo", NULL);
	debugfs_create_file("state", 0400, dev->debugfs, dev,
			    &lkmdemo_state_fops);
}

void lkmdemo_debugfs_remove(struct lkmdemo_device *dev)
{
	debugfs_remove(dev->debugfs);
}
