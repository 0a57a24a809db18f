// SPDX-License-Identifier: GPL-2.0-only
/*
 * A library for a um kernel with several processors, in LD_PRELOAD.
 *
 * A processor of a um kernel is a thread. On a busy host, two of them often share a
 * processor of the host and never run at the same time: a processor of the guest waits for
 * the other, and races show nothing. Each thread gets a processor of its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

/* Pins a thread to one processor of the host. The PID distributes the guests. */
static void pin(pthread_t thread, const cpu_set_t *allowed, unsigned int number)
{
	unsigned int cpu, left = (getpid() + number) % CPU_COUNT(allowed);
	cpu_set_t set;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, allowed) && !left--)
			CPU_SET(cpu, &set);
	pthread_setaffinity_np(thread, sizeof(set), &set);
}

/* The first threads of the kernel are its processors. The main thread is the first one. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	static unsigned int threads;
	static cpu_set_t allowed;
	int ret;

	create = (typeof(create))dlsym(RTLD_NEXT, "pthread_create");
	/* A constructor would run twice: the kernel executes itself again when it starts. */
	if (!threads && !sched_getaffinity(0, sizeof(allowed), &allowed))
		pin(pthread_self(), &allowed, 0);
	threads++;

	ret = create(thread, attr, start, arg);
	if (!ret && CPU_COUNT(&allowed))
		pin(*thread, &allowed, threads);

	return ret;
}
