// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attributes under /sys/class/misc/lkmdemo.
 */
#include <linux/device.h>
#include <linux/lkmdemo.h>
#include <linux/sysfs.h>

#include "lkmdemo.h"

/* misc_register() has made the misc device the driver data. */
static struct lkmdemo_device *to_lkmdemo(struct device *dev)
{
	struct miscdevice *misc = dev_get_drvdata(dev);

	return container_of(misc, struct lkmdemo_device, misc);
}

static ssize_t capacity_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct lkmdemo_info info;

	lkmdemo_message_info(&to_lkmdemo(dev)->message, &info);
	return sysfs_emit(buf, "%u\n", info.capacity);
}
static DEVICE_ATTR_RO(capacity);

static ssize_t length_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct lkmdemo_info info;

	lkmdemo_message_info(&to_lkmdemo(dev)->message, &info);
	return sysfs_emit(buf, "%u\n", info.length);
}
static DEVICE_ATTR_RO(length);

static ssize_t generation_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct lkmdemo_info info;

	lkmdemo_message_info(&to_lkmdemo(dev)->message, &info);
	return sysfs_emit(buf, "%llu\n", info.generation);
}
static DEVICE_ATTR_RO(generation);

static struct attribute *lkmdemo_attrs[] = {
	&dev_attr_capacity.attr,
	&dev_attr_length.attr,
	&dev_attr_generation.attr,
	NULL
};

static const struct attribute_group lkmdemo_group = {
	.attrs = lkmdemo_attrs,
};

struct lkmdemo_counter_attribute {
	struct device_attribute attr;
	enum lkmdemo_counter counter;
};

static ssize_t lkmdemo_counter_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct lkmdemo_counter_attribute *ca =
		container_of(attr, struct lkmdemo_counter_attribute, attr);

	return sysfs_emit(buf, "%lld\n", lkmdemo_counter_read(ca->counter));
}

#define LKMDEMO_COUNTER_ATTR(_name, _counter)				\
	static struct lkmdemo_counter_attribute counter_attr_##_name = {	\
		.attr = __ATTR(_name, 0444, lkmdemo_counter_show, NULL),	\
		.counter = _counter,					\
	}

LKMDEMO_COUNTER_ATTR(opens, LKMDEMO_COUNTER_OPENS);
LKMDEMO_COUNTER_ATTR(opens_refused, LKMDEMO_COUNTER_OPENS_REFUSED);
LKMDEMO_COUNTER_ATTR(reads, LKMDEMO_COUNTER_READS);
LKMDEMO_COUNTER_ATTR(writes, LKMDEMO_COUNTER_WRITES);
LKMDEMO_COUNTER_ATTR(bytes_read, LKMDEMO_COUNTER_BYTES_READ);
LKMDEMO_COUNTER_ATTR(bytes_written, LKMDEMO_COUNTER_BYTES_WRITTEN);

static struct attribute *lkmdemo_counters_attrs[] = {
	&counter_attr_opens.attr.attr,
	&counter_attr_opens_refused.attr.attr,
	&counter_attr_reads.attr.attr,
	&counter_attr_writes.attr.attr,
	&counter_attr_bytes_read.attr.attr,
	&counter_attr_bytes_written.attr.attr,
	NULL
};

static const struct attribute_group lkmdemo_counters_group = {
	.name = "counters",
	.attrs = lkmdemo_counters_attrs,
};

const struct attribute_group *lkmdemo_groups[] = {
	&lkmdemo_group,
	&lkmdemo_counters_group,
	NULL
};
