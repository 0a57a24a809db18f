/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations of this process that fail: the first one, the second one, and so on.
 */
#ifndef _LKMDEMO_SELFTEST_FAILSLAB_H
#define _LKMDEMO_SELFTEST_FAILSLAB_H

#include <stdio.h>

#include "device.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"

struct failslab {
	char ignore_gfp_wait[8];
	char verbose[16];
};

/* Lets allocations that may sleep fail as well, without a report in the log. */
static inline bool failslab_set(struct failslab *saved)
{
	return file_read(FAILSLAB "ignore-gfp-wait", saved->ignore_gfp_wait,
			 sizeof(saved->ignore_gfp_wait)) > 0 &&
	       file_read(FAILSLAB "verbose", saved->verbose, sizeof(saved->verbose)) > 0 &&
	       file_write(FAILSLAB "ignore-gfp-wait", "N") > 0 &&
	       file_write(FAILSLAB "verbose", "0") > 0;
}

static inline void failslab_restore(const struct failslab *saved)
{
	file_write(FAILSLAB "ignore-gfp-wait", saved->ignore_gfp_wait);
	file_write(FAILSLAB "verbose", saved->verbose);
}

static int fail_fd = -1;

/* Lets the allocation of this number fail, from now on. False if that is impossible. */
static inline bool fail_start(int number)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", number);

	if (fail_fd < 0)
		fail_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);

	return pwrite(fail_fd, text, length, 0) == length;
}

/*
 * Ends that. Returns the number of allocations before the one to fail that were not
 * made, 0 if it failed.
 */
static inline int fail_stop(void)
{
	char text[16] = "";

	if (pread(fail_fd, text, sizeof(text) - 1, 0) < 0 || pwrite(fail_fd, "0", 1, 0) != 1)
		ksft_exit_fail_perror("fail_stop");

	return strtol(text, NULL, 10);
}

#endif /* _LKMDEMO_SELFTEST_FAILSLAB_H */
