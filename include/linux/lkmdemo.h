/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters shared between the lkmdemo modules.
 */
#ifndef _LINUX_LKMDEMO_H
#define _LINUX_LKMDEMO_H

#include <linux/types.h>

struct notifier_block;

/**
 * enum lkmdemo_counter - index of a counter
 * @LKMDEMO_COUNTER_SHARED: counter of the client modules, with a notifier chain
 * @LKMDEMO_COUNTER_OPENS: successful opens of the device
 * @LKMDEMO_COUNTER_OPENS_REFUSED: opens refused because the device was open
 * @LKMDEMO_COUNTER_READS: successful reads with a count above zero
 * @LKMDEMO_COUNTER_WRITES: successful writes with a count above zero
 * @LKMDEMO_COUNTER_BYTES_READ: bytes moved by these reads
 * @LKMDEMO_COUNTER_BYTES_WRITTEN: bytes moved by these writes
 * @LKMDEMO_NR_COUNTERS: number of counters
 */
enum lkmdemo_counter {
	LKMDEMO_COUNTER_SHARED,
	LKMDEMO_COUNTER_OPENS,
	LKMDEMO_COUNTER_OPENS_REFUSED,
	LKMDEMO_COUNTER_READS,
	LKMDEMO_COUNTER_WRITES,
	LKMDEMO_COUNTER_BYTES_READ,
	LKMDEMO_COUNTER_BYTES_WRITTEN,
	LKMDEMO_NR_COUNTERS,
};

void lkmdemo_counter_add(enum lkmdemo_counter counter, s64 n);
s64 lkmdemo_counter_read(enum lkmdemo_counter counter);

int lkmdemo_register_notifier(struct notifier_block *nb);
int lkmdemo_unregister_notifier(struct notifier_block *nb);

#endif /* _LINUX_LKMDEMO_H */
