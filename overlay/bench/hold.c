// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure how long the lock of a message of 65536 bytes is held: the time of a copy
 * between two buffers, with preemption disabled. Each read of the parameter
 * "nanoseconds" measures many copies, and returns the minimum and the median.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/vmalloc.h>

#define HOLD_SIZE	65536
#define HOLD_COPIES	201

static u32 hold_times[HOLD_COPIES];

static int hold_compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static int hold_get(char *buffer, const struct kernel_param *kp)
{
	char *from = vzalloc(HOLD_SIZE), *to = vzalloc(HOLD_SIZE);
	int i, ret = -ENOMEM;
	u64 start;

	if (!from || !to)
		goto free;

	for (i = 0; i < HOLD_COPIES; i++) {
		preempt_disable();
		start = ktime_get_ns();
		memcpy(to, from, HOLD_SIZE);
		/* The compiler must not remove the copy. */
		barrier_data(to);
		hold_times[i] = ktime_get_ns() - start;
		preempt_enable();
	}
	sort(hold_times, HOLD_COPIES, sizeof(*hold_times), hold_compare, NULL);
	ret = sysfs_emit(buffer, "%u %u\n", hold_times[0], hold_times[HOLD_COPIES / 2]);
free:
	vfree(from);
	vfree(to);

	return ret;
}

static const struct kernel_param_ops hold_ops = { .get = hold_get };

module_param_cb(nanoseconds, &hold_ops, NULL, 0444);
MODULE_PARM_DESC(nanoseconds, "minimum and median time of a copy, measured at each read");

MODULE_DESCRIPTION("Time of a copy of 65536 bytes");
MODULE_LICENSE("GPL");
