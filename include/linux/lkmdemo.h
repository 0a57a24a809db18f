/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters that the lkmdemo modules share.
 */
#ifndef _LINUX_LKMDEMO_H
#define _LINUX_LKMDEMO_H

#include <linux/types.h>

struct notifier_block;

/**
 * enum lkmdemo_counter - what is counted
 * @LKMDEMO_COUNTER_SHARED: moved by the client modules, and by nobody else;
 *	each change calls the notifiers
 * @LKMDEMO_COUNTER_OPENS: opens of /dev/lkmdemo that succeeded
 * @LKMDEMO_COUNTER_OPENS_REFUSED: opens refused because the device was taken
 * @LKMDEMO_COUNTER_READS: reads that succeeded, those of no bytes included
 * @LKMDEMO_COUNTER_WRITES: writes that succeeded, those of no bytes included
 * @LKMDEMO_COUNTER_BYTES_READ: bytes moved by those reads
 * @LKMDEMO_COUNTER_BYTES_WRITTEN: bytes moved by those writes
 * @LKMDEMO_NR_COUNTERS: how many there are
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
