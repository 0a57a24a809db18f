// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: bench calls FILE...
 *	  bench readers FILE
 *
 * Measure system calls, and print a line of JSON for each measurement.
 *
 * calls: the time of pread and pwrite of several sizes on each file, in nanoseconds
 * per call: the fastest batch and the mean of all batches, including the loop. With
 * QEMU -icount, a nanosecond is an instruction.
 *
 * readers: the number of reads of 64 bytes in 200 ms, by one process while another one
 * reads /dev/full, and by two processes together. Each process has its own descriptor.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES		20
#define BATCH		200
#define ROUNDS		20
#define SECOND		1000000000LL
/* The file that the second process reads while one reader is measured. */
#define OTHER		"/dev/full"

static char buffer[4096];

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static double read_batch(int fd, size_t size)
{
	long long begin = now();

	for (int i = 0; i < BATCH; i++)
		if (pread(fd, buffer, size, 0) < 0)
			err(1, "pread");

	return (double)(now() - begin) / BATCH;
}

static double write_batch(int fd, size_t size)
{
	long long begin = now();

	for (int i = 0; i < BATCH; i++)
		if (pwrite(fd, buffer, size, 0) != (ssize_t)size)
			err(1, "pwrite");

	return (double)(now() - begin) / BATCH;
}

static void measure(const char *name, const char *path, size_t size, int fd,
		    double (*batch)(int, size_t))
{
	double min = 0, sum = 0;

	batch(fd, size);
	for (int i = 0; i < BATCHES; i++) {
		double each = batch(fd, size);

		if (!i || each < min)
			min = each;
		sum += each;
	}
	printf("{\"call\": \"%s\", \"file\": \"%s\", \"bytes\": %zu, \"min\": %.1f, \"mean\": %.1f}\n",
	       name, path, size, min, sum / BATCHES);
}

static void calls(const char *path)
{
	static const size_t sizes[] = { 1, 64, 1024, sizeof(buffer) };
	int fd = open_file(path, O_RDWR | O_CREAT);

	/* The reads require data. */
	if (pwrite(fd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		err(1, "%s", path);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		measure("pread", path, sizes[i], fd, read_batch);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		measure("pwrite", path, sizes[i], fd, write_batch);
	close(fd);
}

/* Wait for go, then read for 200 ms on the given processor. Return the number of calls. */
static long long reader(const char *path, int cpu, volatile bool *go)
{
	int fd = open_file(path, O_RDONLY);
	long long count = 0, end;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
	while (!*go)
		sched_yield();
	for (end = now() + SECOND / 5; now() < end; count += BATCH)
		read_batch(fd, 64);

	return count;
}

/*
 * Let two processes read at the same time. Return the number of calls on the first file.
 *
 * The second process keeps its processor busy even when one reader is measured: on um,
 * a system call is a switch between two processes of the host, which takes several
 * times longer across processors.
 */
static long long readers(const char *path, const char *other)
{
	struct { volatile bool go; long long calls[2]; } *shared;
	const char *paths[] = { path, other };
	long long calls = 0;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	for (int i = 0; i < 2; i++)
		if (!fork()) {
			shared->calls[i] = reader(paths[i], i, &shared->go);
			_exit(0);
		}
	usleep(100000);
	shared->go = true;
	for (int i = 0; i < 2; i++)
		if (wait(&status) < 0 || status)
			errx(1, "a reader failed");
	for (int i = 0; i < 2; i++)
		if (!strcmp(paths[i], path))
			calls += shared->calls[i];
	munmap(shared, sizeof(*shared));

	return calls;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && !strcmp(argv[1], "calls")) {
		for (int i = 2; i < argc; i++)
			calls(argv[i]);
	} else if (argc == 3 && !strcmp(argv[1], "readers")) {
		for (int i = 0; i < ROUNDS; i++) {
			long long one = readers(argv[2], OTHER);

			printf("{\"file\": \"%s\", \"one\": %lld, \"two\": %lld}\n",
			       argv[2], one, readers(argv[2], argv[2]));
		}
	} else {
		errx(2, "usage: bench calls FILE... | bench readers FILE");
	}
	return 0;
}
