// SPDX-License-Identifier: GPL-2.0-only
/*
 * open and release of /dev/lkmdemo, O_TRUNC and O_DIRECT.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "device.h"

FIXTURE(open) {
};

FIXTURE_SETUP(open)
{
	setup_device(_metadata, "");
}

FIXTURE_TEARDOWN_PARENT(open)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(open, node_is_a_character_device_of_mode_0600)
{
	struct stat st;

	ASSERT_EQ(0, stat(DEVICE, &st));

	EXPECT_EQ(S_IFCHR | 0600, st.st_mode);
}

TEST_F(open, node_belongs_to_root)
{
	struct stat st;

	ASSERT_EQ(0, stat(DEVICE, &st));

	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
}

TEST_F(open, second_open_is_ebusy)
{
	ASSERT_LE(0, open_device(O_RDWR));

	EXPECT_EQ(-EBUSY, open_device(O_RDWR));
}

TEST_F(open, second_open_is_ebusy_for_all_access_modes)
{
	ASSERT_LE(0, open_device(O_RDONLY));

	EXPECT_EQ(-EBUSY, open_device(O_RDONLY));
	EXPECT_EQ(-EBUSY, open_device(O_WRONLY));
}

TEST_F(open, second_open_is_ebusy_without_waiting)
{
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, open_device(O_RDWR | O_NONBLOCK));
	EXPECT_EQ(-EBUSY, open_device(O_RDWR));
}

TEST_F(open, refused_open_does_not_claim_the_device)
{
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(-EBUSY, open_device(O_RDWR));
	ASSERT_EQ(0, close(fd));

	EXPECT_LE(0, open_device(O_RDWR));
}

TEST_F(open, refused_open_does_not_truncate)
{
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(-EBUSY, open_device(O_RDWR | O_TRUNC));

	EXPECT_GREETING(fd);
}

TEST_F(open, o_direct_is_einval_and_has_no_effect)
{
	int fd;

	EXPECT_EQ(-EINVAL, open_device(O_WRONLY | O_TRUNC | O_DIRECT));
	EXPECT_EQ(-EINVAL, open_device(O_RDONLY | O_DIRECT));

	fd = open_device(O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_GREETING(fd);
	EXPECT_INFO(fd, CAPACITY, GREETING_LENGTH, 1);
}

TEST_F(open, o_direct_can_not_be_set_later)
{
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, RESULT(fcntl(fd, F_SETFL, O_DIRECT)));
}

TEST_F(open, refused_open_leaves_the_first_one_working)
{
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(-EBUSY, open_device(O_RDWR));
	ASSERT_EQ(2, write(fd, "Jo", 2));

	EXPECT_MESSAGE(fd, "Jollo from kernel\n", GREETING_LENGTH);
}

TEST_F(open, close_releases_the_device_every_time)
{
	int fd, i;

	for (i = 0; i < 100; i++) {
		fd = open_device(O_RDWR);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, close(fd));
	}
}

TEST_F(open, o_path_does_not_claim_the_device)
{
	ASSERT_LE(0, open_device(O_PATH));

	EXPECT_LE(0, open_device(O_RDWR));
}

TEST_F(open, dup_keeps_the_device_busy_until_the_last_close)
{
	int fd = open_device(O_RDWR);
	int copy = dup(fd);

	ASSERT_LE(0, copy);

	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(-EBUSY, open_device(O_RDWR));
	ASSERT_EQ(0, close(copy));
	EXPECT_LE(0, open_device(O_RDWR));
}

TEST_F(open, dup_shares_the_position)
{
	int fd = open_device(O_RDWR);
	int copy = dup(fd);

	ASSERT_LE(0, copy);
	ASSERT_EQ(5, lseek(fd, 5, SEEK_SET));

	EXPECT_POSITION(copy, 5);
}

/* A child that inherits the open files and waits to be killed. */
static pid_t fork_holder(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();

	return pid;
}

static void kill_holder(struct __test_metadata *_metadata, pid_t pid)
{
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
}

TEST_F(open, child_keeps_the_device_busy_after_the_parent_closed)
{
	int fd = open_device(O_RDWR);
	pid_t child = fork_holder();

	ASSERT_LE(0, fd);
	ASSERT_LT(0, child);
	ASSERT_EQ(0, close(fd));

	EXPECT_EQ(-EBUSY, open_device(O_RDWR));
	kill_holder(_metadata, child);
}

TEST_F(open, parent_keeps_the_device_busy_after_the_child_exited)
{
	int fd = open_device(O_RDWR);
	pid_t child = fork_holder();

	ASSERT_LE(0, fd);
	ASSERT_LT(0, child);
	kill_holder(_metadata, child);

	EXPECT_EQ(-EBUSY, open_device(O_RDWR));
}

TEST_F(open, killed_process_releases_the_device)
{
	int fd = open_device(O_RDWR);
	pid_t child = fork_holder();

	ASSERT_LE(0, fd);
	ASSERT_LT(0, child);
	ASSERT_EQ(0, close(fd));
	kill_holder(_metadata, child);

	EXPECT_LE(0, open_device(O_RDWR));
}

TEST_F(open, message_survives_close_and_reopen)
{
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(5, pwrite(fd, "stays", 5, 20));
	ASSERT_EQ(0, close(fd));

	fd = open_device(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_MESSAGE(fd, GREETING "\0\0stays", 25);
}

TEST_F(open, starts_at_position_zero_each_time)
{
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(9, lseek(fd, 9, SEEK_SET));
	ASSERT_EQ(0, close(fd));

	fd = open_device(O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_POSITION(fd, 0);
}

TEST_F(open, o_append_starts_at_position_zero)
{
	int fd = open_device(O_RDWR | O_APPEND);

	ASSERT_LE(0, fd);
	EXPECT_POSITION(fd, 0);
}

TEST_F(open, truncation_empties_the_message)
{
	int fd = open_device(O_RDWR | O_TRUNC);

	ASSERT_LE(0, fd);
	EXPECT_MESSAGE(fd, "", 0);
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
}

TEST_F(open, truncation_write_only_empties_the_message)
{
	int fd = open_device(O_WRONLY | O_TRUNC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(fd));

	fd = open_device(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_MESSAGE(fd, "", 0);
}

TEST_F(open, truncation_read_only_keeps_the_message)
{
	int fd = open_device(O_RDONLY | O_TRUNC);

	ASSERT_LE(0, fd);
	EXPECT_GREETING(fd);
}

TEST_F(open, truncated_bytes_read_as_zeros_in_a_gap)
{
	char expected[GREETING_LENGTH + 1] = { [GREETING_LENGTH] = 'x' };
	int fd = open_device(O_RDWR | O_TRUNC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(1, pwrite(fd, "x", 1, GREETING_LENGTH));

	EXPECT_MESSAGE(fd, expected, sizeof(expected));
}

TEST_HARNESS_MAIN
