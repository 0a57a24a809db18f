// SPDX-License-Identifier: GPL-2.0-only
/*
 * A library for the um kernel with one processor, in LD_PRELOAD.
 *
 * A um kernel with CONFIG_SMP blocks the signal for interrupts between processors each time
 * that it disables interrupts, which is a system call of the host and takes a quarter of its
 * time. Nobody sends this signal to a guest with one processor, so that it may stay unblocked.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux numbers signals from 1. A set of the kernel has 64 of them. */
#define BETWEEN_PROCESSORS	(1UL << (SIGRTMIN - 1))

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	if (!old && set && how != SIG_SETMASK && *(const unsigned long *)set == BETWEEN_PROCESSORS)
		return 0;

	return syscall(SYS_rt_sigprocmask, how, set, old, sizeof(unsigned long));
}
