// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/lkmdemo/state: everything about the device.
 */
#include <stdio.h>
#include <sys/epoll.h>

#include "device.h"

#define DIRECTORY	"/sys/kernel/debug/lkmdemo"
#define STATE		DIRECTORY "/state"

FIXTURE(debugfs) {
};

FIXTURE_SETUP(debugfs)
{
	skip_if(_metadata, debugfs_unusable());
	setup_device(_metadata, "");
}

FIXTURE_TEARDOWN_PARENT(debugfs)
{
	EXPECT_EQ(0, modules_restore());
}

#define EXPECT_STATE(expected) do {						\
	char _state[4096];							\
										\
	ASSERT_LT(0, file_read(STATE, _state, sizeof(_state)));			\
	EXPECT_STREQ(expected, _state);						\
} while (0)

TEST_F(debugfs, shows_an_unused_device)
{
	skip_if(_metadata, modules_unusable(MODULE_COUNTER | MODULE_DEVICE, 0));
	EXPECT_STATE("capacity: 1024\n"
		     "length: 18\n"
		     "generation: 1\n"
		     "shared: 0\n"
		     "opens: 0\n"
		     "opens_refused: 0\n"
		     "reads: 0\n"
		     "writes: 0\n"
		     "bytes_read: 0\n"
		     "bytes_written: 0\n"
		     "exclusive: Y\n"
		     "openers: 0\n"
		     "waiting for a change: no\n");
}

TEST_F(debugfs, shows_the_effect_of_each_call)
{
	struct epoll_event event = { .events = EPOLLPRI };
	int one, two, epoll;
	char seen[7];

	skip_if(_metadata, modules_unusable(MODULE_COUNTER | MODULE_DEC | MODULE_DEVICE, 0));
	ASSERT_EQ(0, module_load("lkmdemo_dec", ""));
	one = open_device(O_RDWR);
	ASSERT_LE(0, one);
	ASSERT_EQ(-EBUSY, open_device(O_RDWR));
	ASSERT_EQ(1, parameter_write("lkmdemo", "exclusive", "N"));
	two = open_device(O_RDWR);
	ASSERT_LE(0, two);
	ASSERT_EQ(7, pread(one, seen, sizeof(seen), 0));
	ASSERT_EQ(7, pread(two, seen, sizeof(seen), 0));
	ASSERT_EQ(7, pread(two, seen, sizeof(seen), 0));
	ASSERT_EQ(2, pwrite(one, "ok", 2, 98));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, one, &event));

	EXPECT_STATE("capacity: 1024\n"
		     "length: 100\n"
		     "generation: 2\n"
		     "shared: -1\n"
		     "opens: 2\n"
		     "opens_refused: 1\n"
		     "reads: 3\n"
		     "writes: 1\n"
		     "bytes_read: 21\n"
		     "bytes_written: 2\n"
		     "exclusive: N\n"
		     "openers: 2\n"
		     "waiting for a change: yes\n");
}

TEST_F(debugfs, shows_no_opener_after_the_last_close)
{
	char state[4096];
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_LT(0, file_read(STATE, state, sizeof(state)));
	ASSERT_NE(NULL, strstr(state, "\nopeners: 1\n"));
	ASSERT_EQ(0, close(fd));

	ASSERT_LT(0, file_read(STATE, state, sizeof(state)));
	EXPECT_NE(NULL, strstr(state, "\nopeners: 0\n"));
}

TEST_F(debugfs, is_for_root_to_read)
{
	EXPECT_EQ(0400, file_mode(STATE));
}

TEST_F(debugfs, disappears_with_the_module)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, module_unload("lkmdemo"));

	EXPECT_EQ(-ENOENT, file_mode(STATE));
	EXPECT_EQ(-ENOENT, file_mode(DIRECTORY));
}

TEST_F(debugfs, reappears_with_the_module)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(0, module_load("lkmdemo", ""));

	EXPECT_EQ(0400, file_mode(STATE));
}

TEST_F(debugfs, held_open_keeps_the_module)
{
	int state;

	skip_if(_metadata, module_fixed("lkmdemo"));
	state = open(STATE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, state);
	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo"));
	ASSERT_EQ(0, close(state));
	EXPECT_EQ(0, module_unload("lkmdemo"));
}

TEST_HARNESS_MAIN
