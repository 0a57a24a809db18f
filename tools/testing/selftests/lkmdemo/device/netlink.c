// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: replies to info-get, and events for changes. Netlink
 * delivers an event before the write returns: nothing here waits for one.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/lkmdemo.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "image.h"
#include "netlink.h"

#define NOBODY	65534

/* A private instance of tracing. */
#define INSTANCE	"/sys/kernel/tracing/instances/lkmdemo_netlink"

FIXTURE(netlink) {
	int fd;
	int listener;
};

FIXTURE_SETUP(netlink)
{
	setup_device(_metadata, "exclusive=N");
	if (family_id() == -ENOENT)
		skip_if(_metadata, "requires CONFIG_LKMDEMO_NETLINK");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	self->listener = listener_open();
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN_PARENT(netlink)
{
	rmdir(INSTANCE);
	EXPECT_EQ(0, modules_restore());
}

TEST_F(netlink, family_has_version_one)
{
	struct packet packet;

	ASSERT_EQ(0, family_get(&packet));

	EXPECT_EQ(1, attribute_number(packet_find(&packet, CTRL_ATTR_VERSION)));
}

TEST_F(netlink, family_has_one_group_and_one_operation)
{
	const struct nlattr *groups, *operations;
	struct packet packet;

	ASSERT_EQ(0, family_get(&packet));

	groups = packet_find(&packet, CTRL_ATTR_MCAST_GROUPS);
	ASSERT_NE(NULL, groups);
	EXPECT_EQ(NULL, nested_find(groups, 2));
	operations = packet_find(&packet, CTRL_ATTR_OPS);
	ASSERT_NE(NULL, operations);
	ASSERT_NE(NULL, nested_find(operations, 1));
	EXPECT_EQ(LKMDEMO_CMD_INFO_GET,
		  attribute_number(nested_find(nested_find(operations, 1), CTRL_ATTR_OP_ID)));
	EXPECT_EQ(NULL, nested_find(operations, 2));
}

TEST_F(netlink, info_get_of_the_first_message)
{
	struct lkmdemo_info info;

	ASSERT_EQ(0, info_get(&info));

	EXPECT_EQ(CAPACITY, info.capacity);
	EXPECT_EQ(GREETING_LENGTH, info.length);
	EXPECT_EQ(first_generation, info.generation);
}

TEST_F(netlink, info_get_equals_the_ioctl)
{
	struct lkmdemo_info told, info;

	ASSERT_EQ(4, pwrite(self->fd, "four", 4, 40));
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_GET_INFO, &info));

	ASSERT_EQ(0, info_get(&told));
	EXPECT_EQ(info.capacity, told.capacity);
	EXPECT_EQ(info.length, told.length);
	EXPECT_EQ(info.generation, told.generation);
}

TEST_F(netlink, info_get_needs_no_open_device)
{
	struct lkmdemo_info info;

	ASSERT_EQ(0, close(self->fd));

	EXPECT_EQ(0, info_get(&info));
}

TEST_F(netlink, info_get_needs_no_privilege)
{
	struct lkmdemo_info info;

	ASSERT_EQ(0, setuid(NOBODY));

	EXPECT_EQ(0, info_get(&info));
}

TEST_F(netlink, joining_the_group_without_privilege_is_eperm)
{
	ASSERT_EQ(0, setuid(NOBODY));

	EXPECT_EQ(-EPERM, listener_open());
}

TEST_F(netlink, info_get_with_an_unknown_attribute_is_einval)
{
	uint32_t number = 0;
	struct packet packet;

	skip_if(_metadata, release_before(7, 2, "the check of unknown attributes"));
	packet_start(&packet, family_id(), LKMDEMO_CMD_INFO_GET);
	packet_put(&packet, LKMDEMO_A_MESSAGE_MAX + 1, &number, sizeof(number));

	EXPECT_EQ(-EINVAL, request(&packet));
}

TEST_F(netlink, info_get_with_an_attribute_of_the_reply_is_einval)
{
	uint32_t number = 0;
	struct packet packet;

	skip_if(_metadata, release_before(7, 2, "the check of unknown attributes"));
	packet_start(&packet, family_id(), LKMDEMO_CMD_INFO_GET);
	packet_put(&packet, LKMDEMO_A_MESSAGE_LENGTH, &number, sizeof(number));

	EXPECT_EQ(-EINVAL, request(&packet));
}

TEST_F(netlink, info_get_as_a_dump_is_eopnotsupp)
{
	struct packet packet;

	packet_start(&packet, family_id(), LKMDEMO_CMD_INFO_GET);
	packet.header.nlmsg_flags |= NLM_F_DUMP;

	EXPECT_EQ(-EOPNOTSUPP, request(&packet));
}

TEST_F(netlink, event_as_a_request_is_eopnotsupp)
{
	struct packet packet;

	packet_start(&packet, family_id(), LKMDEMO_CMD_MESSAGE_CHANGED);

	EXPECT_EQ(-EOPNOTSUPP, request(&packet));
}

TEST_F(netlink, unknown_command_is_eopnotsupp)
{
	struct packet packet;

	packet_start(&packet, family_id(), LKMDEMO_CMD_MAX + 1);

	EXPECT_EQ(-EOPNOTSUPP, request(&packet));
}

TEST_F(netlink, event_has_only_length_and_generation)
{
	struct packet packet;

	ASSERT_EQ(1, write(self->fd, "x", 1));
	ASSERT_EQ(0, receive(self->listener, &packet));

	EXPECT_EQ(family_id(), packet.header.nlmsg_type);
	EXPECT_EQ(0, packet.header.nlmsg_pid);
	EXPECT_EQ(0, packet.header.nlmsg_seq);
	EXPECT_EQ(1, packet.genl.version);
	EXPECT_EQ(LKMDEMO_CMD_MESSAGE_CHANGED, packet.genl.cmd);
	EXPECT_EQ(PACKET_EMPTY + 2 * (NLA_HDRLEN + sizeof(uint32_t)), packet.header.nlmsg_len);
	EXPECT_NE(NULL, packet_find(&packet, LKMDEMO_A_MESSAGE_LENGTH));
	EXPECT_NE(NULL, packet_find(&packet, LKMDEMO_A_MESSAGE_GENERATION));
}

TEST_F(netlink, write_is_announced)
{
	ASSERT_EQ(4, pwrite(self->fd, "four", 4, 40));

	EXPECT_EVENT(self->listener, 44, 2);
	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, write_of_the_same_bytes_is_announced)
{
	ASSERT_EQ(5, write(self->fd, "Hello", 5));

	EXPECT_EVENT(self->listener, GREETING_LENGTH, 2);
}

TEST_F(netlink, nowait_write_is_announced)
{
	struct iovec bytes = { .iov_base = "x", .iov_len = 1 };

	ASSERT_EQ(1, pwritev2(self->fd, &bytes, 1, 0, RWF_NOWAIT));

	EXPECT_EVENT(self->listener, GREETING_LENGTH, 2);
}

TEST_F(netlink, clear_is_announced)
{
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));

	EXPECT_EVENT(self->listener, 0, 2);
	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, truncating_open_is_announced)
{
	ASSERT_LE(0, open_device(O_WRONLY | O_TRUNC));

	EXPECT_EVENT(self->listener, 0, 2);
	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, clear_of_an_empty_message_is_not_announced)
{
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	EXPECT_EVENT(self->listener, 0, 2);
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	ASSERT_LE(0, open_device(O_WRONLY | O_TRUNC));

	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, write_of_zero_bytes_is_not_announced)
{
	ASSERT_EQ(0, write(self->fd, "", 0));

	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, read_is_not_announced)
{
	char seen[CAPACITY];

	ASSERT_EQ((ssize_t)GREETING_LENGTH, read(self->fd, seen, sizeof(seen)));

	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, refused_write_is_not_announced)
{
	char bytes[CAPACITY + 1] = "";

	ASSERT_EQ(-EINVAL, RESULT(write(self->fd, bytes, CAPACITY + 1)));
	ASSERT_EQ(-ENOSPC, RESULT(pwrite(self->fd, bytes, CAPACITY, 1)));
	ASSERT_EQ(-EFAULT, RESULT(write(self->fd, edge_buffer(1), 2)));

	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, refused_clear_is_not_announced)
{
	int fd = open_device(O_RDONLY);

	ASSERT_EQ(-EBADF, RESULT(ioctl(fd, LKMDEMO_IOC_CLEAR)));

	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, changes_are_announced_in_order)
{
	uint64_t i;

	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	for (i = 1; i <= 100; i++)
		ASSERT_EQ(1, write(self->fd, "x", 1));

	EXPECT_EVENT(self->listener, 0, 2);
	for (i = 1; i <= 100; i++)
		EXPECT_EVENT(self->listener, i, i + 2);
	EXPECT_NO_EVENT(self->listener);
}

#define WRITES	50

static void *write_often(void *fd)
{
	int i;

	for (i = 0; i < WRITES; i++)
		if (pwrite(*(int *)fd, "x", 1, 0) != 1)
			return fd;

	return NULL;
}

TEST_F(netlink, concurrent_changes_are_announced_once_each)
{
	unsigned int told[2 * WRITES + 2] = {};
	uint64_t length, generation;
	void *failed[2];
	pthread_t writer[2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&writer[i], NULL, write_often, &self->fd));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(writer[i], &failed[i]));
		ASSERT_EQ(NULL, failed[i]);
	}

	while (!event_receive(self->listener, &length, &generation)) {
		generation -= first_generation - 1;
		ASSERT_GE(2 * WRITES + 1, generation);
		told[generation]++;
	}
	for (i = 2; i < ARRAY_SIZE(told); i++)
		EXPECT_EQ(1, told[i]);
}

TEST_F(netlink, every_listener_receives_the_event)
{
	int second = listener_open();

	ASSERT_LE(0, second);
	ASSERT_EQ(1, write(self->fd, "x", 1));

	EXPECT_EVENT(self->listener, GREETING_LENGTH, 2);
	EXPECT_EVENT(second, GREETING_LENGTH, 2);
}

TEST_F(netlink, family_exists_in_the_initial_network_namespace_only)
{
	struct lkmdemo_info info;

	skip_if(_metadata, net_namespaces_missing());
	ASSERT_EQ(0, unshare(CLONE_NEWNET));

	EXPECT_EQ(-ENOENT, family_id());
	EXPECT_NE(0, info_get(&info));
}

TEST_F(netlink, member_in_another_network_namespace_receives_no_event)
{
	int group = group_id(), member;

	skip_if(_metadata, net_namespaces_missing());
	ASSERT_LT(0, group);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	member = socket_open();
	ASSERT_EQ(0, group_change(member, NETLINK_ADD_MEMBERSHIP, group));
	ASSERT_EQ(1, write(self->fd, "x", 1));

	EXPECT_EVENT(self->listener, GREETING_LENGTH, 2);
	EXPECT_NO_EVENT(member);
}

/*
 * Start a process without privileges that joins the group in a network namespace of
 * its own. Return its id, or a negative errno if it cannot create one.
 */
static pid_t foreign_member_start(int group)
{
	int ready[2], result = -EIO;
	pid_t child;

	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	child = fork();
	if (!child) {
		if (setuid(NOBODY) || unshare(CLONE_NEWUSER) || unshare(CLONE_NEWNET))
			result = -errno;
		else
			result = group_change(socket_open(), NETLINK_ADD_MEMBERSHIP, group);
		if (write(ready[1], &result, sizeof(result)) == sizeof(result) && !result)
			pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &result, sizeof(result)) != sizeof(result))
		result = -EIO;
	close(ready[0]);
	if (result)
		waitpid(child, NULL, 0);

	return result ?: child;
}

/* Record the allocations of this process, while tracing_on is set. */
static int allocations_record(void)
{
	char filter[64];

	/* A run that was killed leaves it. */
	rmdir(INSTANCE);
	snprintf(filter, sizeof(filter), "common_pid == %d", getpid());
	if (mkdir(INSTANCE, 0700) || file_write(INSTANCE "/tracing_on", "0") < 0 ||
	    file_write(INSTANCE "/events/kmem/filter", filter) < 0 ||
	    file_write(INSTANCE "/events/kmem/enable", "1") < 0)
		return -errno;

	return 0;
}

/* The allocations of a write, or a negative errno. */
static int allocations_of_write(int fd)
{
	static char trace[65536];
	int trace_fd, switch_fd, allocations = 0;
	ssize_t written;

	trace_fd = open(INSTANCE "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	switch_fd = open(INSTANCE "/tracing_on", O_WRONLY | O_CLOEXEC);
	if (trace_fd < 0 || write(switch_fd, "1", 1) != 1)
		return -errno;
	written = pwrite(fd, "x", 1, 0);
	if (write(switch_fd, "0", 1) != 1 || written != 1 ||
	    file_read(INSTANCE "/trace", trace, sizeof(trace)) < 0)
		return -errno;
	close(switch_fd);
	close(trace_fd);

	for (const char *line = trace; (line = strstr(line, " kmem_cache_alloc")); line++)
		allocations++;
	for (const char *line = trace; (line = strstr(line, " kmalloc")); line++)
		allocations++;

	return allocations;
}

/* An interrupt may allocate during a write: the fewest allocations of several writes. */
static int allocations_least(int fd)
{
	int i, least = INT_MAX;

	for (i = 0; i < 5; i++) {
		int allocations = allocations_of_write(fd);

		if (allocations < least)
			least = allocations;
	}

	return least;
}

TEST_F(netlink, no_event_is_built_for_members_without_privilege)
{
	int alone, beside, listened;
	pid_t member;

	skip_if(_metadata, net_namespaces_missing());
	skip_if(_metadata, tracefs_unusable());
	skip_if(_metadata, module_fixed("lkmdemo"));
	skip_if(_metadata, release_before(6, 9, "a call of the driver when a process joins"));

	/* No privileged process has joined the group of a new family. */
	ASSERT_EQ(0, close(self->listener));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(0, module_load("lkmdemo", ""));
	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, allocations_record());
	alone = allocations_least(self->fd);
	ASSERT_LE(0, alone);

	member = foreign_member_start(group_id());
	if (member == -EINVAL || member == -EPERM || member == -ENOSPC)
		skip_if(_metadata, "requires user namespaces for ordinary users");
	ASSERT_LT(0, member);
	beside = allocations_least(self->fd);
	kill(member, SIGKILL);
	waitpid(member, NULL, 0);
	self->listener = listener_open();
	listened = allocations_least(self->fd);

	EXPECT_EQ(alone, beside);
	/* The count shows an event that is built. */
	EXPECT_LT(alone, listened);
}

TEST_F(netlink, former_member_receives_no_event)
{
	ASSERT_EQ(0, membership(self->listener, NETLINK_DROP_MEMBERSHIP));
	ASSERT_EQ(1, write(self->fd, "x", 1));

	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, change_without_a_listener_is_not_announced_later)
{
	ASSERT_EQ(0, close(self->listener));
	ASSERT_EQ(1, write(self->fd, "x", 1));
	self->listener = listener_open();
	ASSERT_EQ(1, write(self->fd, "x", 1));

	EXPECT_EVENT(self->listener, GREETING_LENGTH, 3);
}

/* Make more changes than fit into the socket of the listener. */
static void overflow(struct __test_metadata *_metadata, int fd, int listener)
{
	int i, size = 1;

	ASSERT_EQ(0, setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
}

TEST_F(netlink, listener_that_loses_an_event_gets_enobufs)
{
	struct packet packet;

	overflow(_metadata, self->fd, self->listener);

	EXPECT_EQ(-ENOBUFS, receive(self->listener, &packet));
	EXPECT_EVENT(self->listener, GREETING_LENGTH, 2);
}

TEST_F(netlink, listener_that_lost_an_event_receives_later_ones)
{
	struct packet packet;

	overflow(_metadata, self->fd, self->listener);
	ASSERT_EQ(-ENOBUFS, receive(self->listener, &packet));
	while (!receive(self->listener, &packet))
		;
	ASSERT_EQ(1, write(self->fd, "x", 1));

	EXPECT_EVENT(self->listener, GREETING_LENGTH, 102);
}

TEST_F(netlink, listener_that_loses_an_event_does_not_affect_others)
{
	int second = listener_open();
	uint64_t i;

	ASSERT_LE(0, second);
	overflow(_metadata, self->fd, self->listener);

	for (i = 0; i < 100; i++)
		EXPECT_EVENT(second, GREETING_LENGTH, i + 2);
}

TEST_F(netlink, module_can_be_unloaded_with_a_listener)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, close(self->fd));

	EXPECT_EQ(0, module_unload("lkmdemo"));
}

TEST_F(netlink, family_disappears_at_unload)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload("lkmdemo"));

	EXPECT_EQ(-ENOENT, family_id());
}

TEST_F(netlink, family_reappears_at_load)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(0, module_load("lkmdemo", ""));

	EXPECT_LT(0, family_id());
}

TEST_F(netlink, membership_ends_with_the_module)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(0, module_load("lkmdemo", ""));
	self->fd = open_device(O_RDWR);
	ASSERT_EQ(1, write(self->fd, "x", 1));

	EXPECT_NO_EVENT(self->listener);
}

TEST_F(netlink, load_that_fails_leaves_no_family)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(-EINVAL, module_load("lkmdemo", "capacity=1"));

	EXPECT_EQ(-ENOENT, family_id());
}

FIXTURE(family) {
	int unused;
};

FIXTURE_SETUP(family)
{
	static struct image image;

	skip_if(_metadata, module_fixed("lkmdemo"));
	setup_device(_metadata, "");
	if (family_id() == -ENOENT)
		skip_if(_metadata, "requires CONFIG_LKMDEMO_NETLINK");
	skip_if(_metadata, image_unusable(&image, FAMILY));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_EQ(0, image_load(&image, ""));
}

FIXTURE_TEARDOWN_PARENT(family)
{
	module_unload(FAMILY);
	EXPECT_EQ(0, modules_restore());
}

/* Recent kernels reserve EEXIST for a module that is loaded, and replace it. */
TEST_F(family, of_another_module_refuses_the_load)
{
	int i, ret, before = buffers();

	for (i = 0; i < 2; i++) {
		ret = module_load("lkmdemo", "");
		EXPECT_EQ(ret == -EEXIST ? -EEXIST : -EBUSY, ret);
		EXPECT_FALSE(module_loaded("lkmdemo"));
		EXPECT_NE(0, access(DEVICE, F_OK));
		EXPECT_NE(0, access("/sys/class/misc/lkmdemo", F_OK));
		EXPECT_NE(0, access("/sys/kernel/debug/lkmdemo", F_OK));
		EXPECT_EQ(before, buffers());
	}

	ASSERT_EQ(0, module_unload(FAMILY));
	EXPECT_EQ(0, module_load("lkmdemo", ""));
	EXPECT_LT(0, family_id());
}

TEST_HARNESS_MAIN
