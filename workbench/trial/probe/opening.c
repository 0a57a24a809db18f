// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of who may open the device, and of many threads.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "probe.h"

/* What helper.c knows threads by: it lets them race, it checks what holds a module. */
#define RACES	"probe-race"
#define HOLDS	"probe-hold"
#define UNHELD	"/sys/module/trial_helper/parameters/unheld"

static pthread_barrier_t barrier;
static int racers[THREADS];
static bool stop;

/* References to the modules of the device, or to all modules. */
int references(void)
{
	FILE *list = fopen("/proc/modules", "r");
	int i, n, sum = 0;
	char name[64];

	while (list && fscanf(list, "%63s %*s %d%*[^\n]", name, &n) == 2) {
		for (i = 0; modules[i] && strcmp(name, modules[i]); i++)
			;
		if (modules[i] || !*modules)
			sum += n;
	}
	if (list)
		fclose(list);

	return sum;
}

/* Open the device, which nobody has open; call: what was done before. */
static int open_free_device(const char *call)
{
	int fd = open_device(O_RDONLY);

	if (fd < 0 && errno == EBUSY) {
		doing("%s, and open(2)", call);
		report(STAYS_BUSY, "EBUSY");
	}

	return fd;
}

void check_open(void)
{
	int i, fd;

	close(open_device(O_WRONLY));
	close(open_device(O_RDWR));
	fd = open_device(O_RDONLY);
	for (i = 0; fd >= 0 && i < 100; i++) {
		close(fd);
		fd = open_free_device("open(2), close(2)");
	}
}

void check_held(void)
{
	int fd, before = references(), unheld = open(UNHELD, O_RDWR);
	char name[64] = "\n";

	if (unheld >= 0 && write(unheld, name, 1) < 0)
		close(unheld);
	prctl(PR_SET_NAME, HOLDS);
	fd = open_device(O_RDONLY);
	if (*modules && fd >= 0 && references() <= before)
		report(NOT_HELD, "the module has no more references than before");
	if (pread(unheld, name, sizeof(name) - 1, 0) > 0 && *name != '\n') {
		name[strcspn(name, "\n")] = '\0';
		report(NOT_HELD, "code of %s runs before anything holds it", name);
	}
}

/* Where an open file excludes another: whatever fails or is closed leaves it so. */
void check_second_open(void)
{
	int third, first = open_device(O_RDONLY);
	pid_t pid;

	if (first < 0 || open_device(O_RDONLY) >= 0)
		return;
	third = open_device(O_RDONLY);
	doing("open(2) three times");
	if (third >= 0)
		report(TWO_OPENERS, "the second one fails, the third one succeeds");
	close(third);
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	third = open_device(O_RDONLY);
	doing("open(2), close(2) of the copy in a child, and open(2)");
	if (third >= 0)
		report(TWO_OPENERS, "the second open(2) succeeds");
	close(third);
	close(first);
	open_free_device("open(2), another open(2) that fails, close(2)");
}

static void *race_to_open(void *number)
{
	int *fd = &racers[(intptr_t)number];

	prctl(PR_SET_NAME, RACES);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		pthread_barrier_wait(&barrier);
		*fd = open(device, O_RDONLY | O_NONBLOCK);
		pthread_barrier_wait(&barrier);
		/* They are counted. */
		pthread_barrier_wait(&barrier);
		close(*fd);
	}

	return NULL;
}

static void start_threads(void *(*run)(void *number), pthread_t threads[THREADS])
{
	intptr_t i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)i))
			errx(1, "cannot create a thread");
}

static void join_threads(pthread_t threads[THREADS])
{
	int i;

	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

void check_racing_opens(void)
{
	int i, round, winners, fd = open_device(O_RDONLY);
	pthread_t threads[THREADS];
	bool is_last = false;

	if (fd < 0 || open_device(O_RDONLY) >= 0)
		return;
	close(fd);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	start_threads(race_to_open, threads);
	doing("open(2) by %d threads at a time", THREADS);
	for (round = 1; !is_last; round++) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		for (winners = i = 0; i < THREADS; i++)
			winners += racers[i] >= 0;
		if (winners > 1)
			report(TWO_OPENERS, "%d of them succeed, the %d. time", winners, round);
		is_last = winners > 1 || round == 100;
		__atomic_store_n(&stop, is_last, __ATOMIC_SEQ_CST);
		pthread_barrier_wait(&barrier);
	}
	join_threads(threads);
	open_free_device("open(2) by threads at a time, close(2)");
}

/* The VFS refuses O_DIRECT when the device is open already. */
void check_open_flags(void)
{
	static const int flags[] = { O_WRONLY, O_RDWR | O_APPEND, O_WRONLY | O_TRUNC, O_DIRECT };
	int fd = open_device(O_RDONLY);
	size_t i;

	if (fd < 0)
		return;
	close(fd);
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		close(open_device(flags[i]));
	open_free_device("open(2) with O_DIRECT, close(2)");
}

/* Write the parameters of the modules, the values that they have anyway. */
static void rewrite_parameters(void)
{
	char path[PATH_MAX], value[PAGE];
	struct dirent *entry;
	ssize_t n;
	DIR *dir;
	int i, fd;

	for (i = 0; modules[i]; i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/parameters", modules[i]);
		dir = opendir(path);
		while (dir && (entry = readdir(dir))) {
			fd = openat(dirfd(dir), entry->d_name, O_RDWR);
			n = read(fd, value, sizeof(value));
			if (n > 0 && strncmp(value, "(null)", 6) && write(fd, value, n) < 0)
				n = 0;
			close(fd);
		}
		if (dir)
			closedir(dir);
	}
}

static void *use(void *number)
{
	char bytes[64] = "probe";
	int i, fd;

	prctl(PR_SET_NAME, RACES);
	for (i = (intptr_t)number; !__atomic_load_n(&stop, __ATOMIC_SEQ_CST); i++) {
		if (!number)
			rewrite_parameters();
		fd = open(device, (i % 3 ? O_RDWR : O_RDONLY) | O_NONBLOCK);
		if (fd < 0)
			continue;
		if (read(fd, bytes, i % 64 + 1) < 0 || write(fd, bytes, i % 64 + 1) < 0 ||
		    pread(fd, bytes, 64, i % 128) < 0 || lseek(fd, i % 128, SEEK_SET) < 0)
			ioctl(fd, _IO(0, i), edge);
		close(fd);
	}

	return NULL;
}

void check_threads(void)
{
	pthread_t threads[THREADS];

	doing("open(2), read(2), write(2) and ioctl(2) by %d threads", THREADS);
	start_threads(use, threads);
	usleep(150000);
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	join_threads(threads);
}
