/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of /dev/lkmdemo have in common.
 */
#ifndef _LKMDEMO_SELFTEST_DEVICE_H
#define _LKMDEMO_SELFTEST_DEVICE_H

#include <fcntl.h>
#include <linux/lkmdemo.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "module.h"

#define DEVICE		"/dev/lkmdemo"
#define GREETING	"Hello from kernel\n"
#define GREETING_LENGTH	((ssize_t)sizeof(GREETING) - 1)
#define CAPACITY	1024
#define CAPACITY_MAX	65536

/* So much after the bytes of edge_buffer() can't be accessed. */
#define EDGE_HOLE	(2 * CAPACITY_MAX)

static inline int open_device(int flags)
{
	return RESULT(open(DEVICE, flags | O_CLOEXEC));
}

/*
 * For FIXTURE_SETUP: notes in @found what is loaded, then loads the modules of
 * @set and, unless @parameters is NULL, lkmdemo with these. False if the test is
 * skipped. FIXTURE_TEARDOWN_PARENT gives @found to modules_set(): by then the
 * processes of the test are gone, and with them whatever they had open.
 */
static inline bool setup_modules(struct __test_metadata *_metadata, unsigned int *found,
				 unsigned int set, const char *parameters)
{
	const char *reason = modules_unusable();

	if (reason)
		SKIP(return false, "%s", reason);

	*found = modules_loaded();
	ASSERT_EQ(0, modules_set(set))
		TH_LOG("the modules are in use");
	if (parameters)
		ASSERT_EQ(0, module_load("lkmdemo", parameters));

	return true;
}

/* A race wants all processors, also where the run was given fewer. */
static inline void use_all_processors(struct __test_metadata *_metadata)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
}

#define MILLISECOND	1000000LL
#define SECOND		1000000000LL

/* The time in nanoseconds since some moment. */
static inline long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

/* @count bytes, and none after them that could be accessed. */
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

#define EXPECT_INFO(fd, _capacity, _length, _generation) do {				\
	struct lkmdemo_info _info;							\
											\
	ASSERT_EQ(0, RESULT(ioctl(fd, LKMDEMO_IOC_GET_INFO, &_info)));			\
	EXPECT_EQ(_capacity, _info.capacity);						\
	EXPECT_EQ(_length, _info.length);						\
	EXPECT_EQ(_generation, _info.generation);					\
} while (0)

#endif /* _LKMDEMO_SELFTEST_DEVICE_H */
