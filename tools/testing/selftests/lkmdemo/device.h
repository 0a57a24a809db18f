/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers for the tests of /dev/lkmdemo.
 */
#ifndef _LKMDEMO_SELFTEST_DEVICE_H
#define _LKMDEMO_SELFTEST_DEVICE_H

#include <fcntl.h>
#include <linux/lkmdemo.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define DEVICE		"/dev/lkmdemo"
#define GREETING	"Hello from kernel\n"
#define GREETING_LENGTH	((ssize_t)sizeof(GREETING) - 1)
#define CAPACITY	1024
#define CAPACITY_MAX	65536

/* The number of bytes behind an edge_buffer() that cannot be accessed. */
#define EDGE_HOLE	(2 * CAPACITY_MAX)

/* The generation of the message at the start of the case. */
static __maybe_unused __u64 first_generation = 1;

static inline int open_device(int flags)
{
	return RESULT(open(DEVICE, flags | O_CLOEXEC));
}

/* The reason why a case cannot have the device with these parameters, or NULL. */
static inline const char *device_unusable(const char *parameters)
{
	const char *reason = module_unusable("lkmdemo", parameters);

	return reason || !access(DEVICE, F_OK) ? reason : devtmpfs_missing();
}

/*
 * Gives the device these parameters, and the greeting as its message: by a load
 * or, where the module cannot be loaded afresh, by writes.
 */
static inline int device_set(const char *parameters)
{
	struct lkmdemo_info info;
	int fd, ret;

	if (!module_fixed("lkmdemo"))
		return module_set("lkmdemo", parameters);

	ret = module_set("lkmdemo", "exclusive=N");
	if (ret)
		return ret;

	fd = open_device(O_WRONLY | O_TRUNC);
	if (fd < 0)
		return fd;

	ret = RESULT(write(fd, GREETING, GREETING_LENGTH));
	if (ret == GREETING_LENGTH)
		ret = RESULT(ioctl(fd, LKMDEMO_IOC_GET_INFO, &info));
	close(fd);
	if (ret)
		return ret;

	first_generation = info.generation;

	return module_set("lkmdemo", parameters);
}

static inline void setup_device(struct __test_metadata *_metadata, const char *parameters)
{
	skip_if(_metadata, device_unusable(parameters));
	ASSERT_EQ(0, device_set(parameters))
		TH_LOG("cannot provide the device");
}

/* A race requires all processors, also where the run is restricted to fewer. */
static inline void use_all_processors(struct __test_metadata *_metadata)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
}

/* The number of buffers that can be mapped, where the kernel shows them. */
static inline int buffers(void)
{
	FILE *areas = fopen("/proc/vmallocinfo", "re");
	char line[256];
	int count = 0;

	while (areas && fgets(line, sizeof(line), areas))
		count += !!strstr(line, " user");
	if (areas)
		fclose(areas);

	return count;
}

#define MILLISECOND	1000000LL
#define SECOND		1000000000LL

/* The monotonic time in nanoseconds. */
static inline long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

/* A buffer of @count bytes, followed by bytes that cannot be accessed. */
static inline void *edge_buffer(size_t count)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t room = (count + page) / page * page;
	char *map;

	map = mmap(NULL, room + EDGE_HOLE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map, room, PROT_READ | PROT_WRITE))
		ksft_exit_fail_perror("edge_buffer");

	return map + room - count;
}

static __maybe_unused char message_seen[CAPACITY_MAX + 1];

#define EXPECT_MESSAGE(fd, bytes, count) do {						\
	ssize_t _count = (count);							\
											\
	EXPECT_EQ(_count, RESULT(pread(fd, message_seen, sizeof(message_seen), 0)));	\
	EXPECT_EQ(0, memcmp(message_seen, bytes, _count));				\
} while (0)

#define EXPECT_GREETING(fd)	EXPECT_MESSAGE(fd, GREETING, GREETING_LENGTH)
#define EXPECT_POSITION(fd, position)	EXPECT_EQ(position, lseek(fd, 0, SEEK_CUR))

/* The generation of the first message counts as 1. */
#define EXPECT_INFO(fd, _capacity, _length, _generation) do {				\
	struct lkmdemo_info _info;							\
											\
	ASSERT_EQ(0, RESULT(ioctl(fd, LKMDEMO_IOC_GET_INFO, &_info)));			\
	EXPECT_EQ(_capacity, _info.capacity);						\
	EXPECT_EQ(_length, _info.length);						\
	EXPECT_EQ(_generation, _info.generation - first_generation + 1);		\
} while (0)

#endif /* _LKMDEMO_SELFTEST_DEVICE_H */
