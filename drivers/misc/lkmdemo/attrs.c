// SPDX-License-Identifier: GPL-2.0-only
/*
 * State of the device in sysfs and in debugfs.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/string_choices.h>
#include <linux/sysfs.h>

#include "lkmdemo.h"

static struct lkmdemo_info lkmdemo_snapshot(struct device *dev)
{
	/* misc_register() sets the driver data to the misc device. */
	struct miscdevice *misc = dev_get_drvdata(dev);
	struct lkmdemo_info info;

	lkmdemo_message_info(&container_of(misc, struct lkmdemo_device, misc)->message, &info);

	return info;
}

static ssize_t capacity_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", lkmdemo_snapshot(dev).capacity);
}
static DEVICE_ATTR_RO(capacity);

static ssize_t length_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", lkmdemo_snapshot(dev).length);
}
static DEVICE_ATTR_RO(length);

static ssize_t generation_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", lkmdemo_snapshot(dev).generation);
}
static DEVICE_ATTR_RO(generation);

static struct attribute *lkmdemo_info_list[] = {
	&dev_attr_capacity.attr, &dev_attr_length.attr, &dev_attr_generation.attr, NULL
};

static const struct attribute_group lkmdemo_info_group = { .attrs = lkmdemo_info_list };

static struct device_attribute lkmdemo_counter_attrs[LKMDEMO_NR_COUNTERS];

static ssize_t lkmdemo_counter_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", lkmdemo_counter_read(attr - lkmdemo_counter_attrs));
}

#define LKMDEMO_COUNTER_ATTR(_name)	__ATTR(_name, 0444, lkmdemo_counter_show, NULL)

static struct device_attribute lkmdemo_counter_attrs[LKMDEMO_NR_COUNTERS] = {
	[LKMDEMO_COUNTER_OPENS] = LKMDEMO_COUNTER_ATTR(opens),
	[LKMDEMO_COUNTER_OPENS_REFUSED] = LKMDEMO_COUNTER_ATTR(opens_refused),
	[LKMDEMO_COUNTER_READS] = LKMDEMO_COUNTER_ATTR(reads),
	[LKMDEMO_COUNTER_WRITES] = LKMDEMO_COUNTER_ATTR(writes),
	[LKMDEMO_COUNTER_BYTES_READ] = LKMDEMO_COUNTER_ATTR(bytes_read),
	[LKMDEMO_COUNTER_BYTES_WRITTEN] = LKMDEMO_COUNTER_ATTR(bytes_written),
};

/* lkmdemo_counter_attrs without the first entry, terminated by NULL. */
static struct attribute *lkmdemo_counter_list[LKMDEMO_NR_COUNTERS];

static const struct attribute_group lkmdemo_counter_group = {
	.name = "counters", .attrs = lkmdemo_counter_list,
};

const struct attribute_group *lkmdemo_groups[] = {
	&lkmdemo_info_group, &lkmdemo_counter_group, NULL
};

void __init lkmdemo_sysfs_init(void)
{
	int i;

	for (i = LKMDEMO_COUNTER_OPENS; i < LKMDEMO_NR_COUNTERS; i++)
		lkmdemo_counter_list[i - LKMDEMO_COUNTER_OPENS] = &lkmdemo_counter_attrs[i].attr;
}

static int lkmdemo_state_show(struct seq_file *m, void *unused)
{
	struct lkmdemo_device *dev = m->private;
	struct lkmdemo_info info;
	int i;

	lkmdemo_message_info(&dev->message, &info);
	seq_printf(m, "capacity: %u\n", info.capacity);
	seq_printf(m, "length: %u\n", info.length);
	seq_printf(m, "generation: %llu\n", info.generation);
	seq_printf(m, "shared: %lld\n", lkmdemo_counter_read(LKMDEMO_COUNTER_SHARED));
	for (i = LKMDEMO_COUNTER_OPENS; i < LKMDEMO_NR_COUNTERS; i++)
		seq_printf(m, "%s: %lld\n", lkmdemo_counter_attrs[i].attr.name,
			   lkmdemo_counter_read(i));
	seq_printf(m, "exclusive: %c\n", READ_ONCE(dev->exclusive) ? 'Y' : 'N');
	seq_printf(m, "openers: %d\n", atomic_read(&dev->openers));
	seq_printf(m, "waiting for a change: %s\n",
		   str_yes_no(wq_has_sleeper(&dev->message.changed)));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(lkmdemo_state);

/* Errors are ignored: the device works without debugfs. */
void lkmdemo_debugfs_add(struct lkmdemo_device *dev)
{
	dev->debugfs = debugfs_create_dir("lkmdemo", NULL);
	debugfs_create_file("state", 0400, dev->debugfs, dev, &lkmdemo_state_fops);
}
