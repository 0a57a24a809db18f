@if netlink
// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family. Netlink delivers an event before the write returns:
 * nothing here waits for one.
 */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/@name@_netlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "device.h"

struct packet {
	struct nlmsghdr header;
	struct genlmsghdr genl;
	char attributes[2048];
};

#define PACKET_EMPTY	offsetof(struct packet, attributes)

/* Find an attribute by its type in some bytes; return NULL if there is none. */
static const struct nlattr *find(const void *from, size_t size, int type)
{
	const struct nlattr *attribute;
	const void *end = from + size;

	for (; from < end; from += NLA_ALIGN(attribute->nla_len)) {
		attribute = from;
		if ((attribute->nla_type & NLA_TYPE_MASK) == type)
			return attribute;
	}

	return NULL;
}

static const struct nlattr *find_in_packet(const struct packet *packet, int type)
{
	return find(packet->attributes, packet->header.nlmsg_len - PACKET_EMPTY, type);
}

/* The value of an attribute of a packet, -1 if it is absent. */
static long number(const struct packet *packet, int type)
{
	const struct nlattr *attribute = find_in_packet(packet, type);
	__u16 value16;
	__u32 value32;

	if (!attribute)
		return -1;
	if (attribute->nla_len == NLA_HDRLEN + sizeof(value16)) {
		memcpy(&value16, attribute + 1, sizeof(value16));
		return value16;
	}
	memcpy(&value32, attribute + 1, sizeof(value32));

	return value32;
}

static int open_socket(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		ksft_exit_fail_perror("netlink");

	return fd;
}

/* Send a request, with one attribute if it has a name; replace it by the reply. */
static long request(struct packet *packet, int family, int command, const char *name)
{
	struct nlattr *attribute = (void *)packet->attributes;
	int fd = open_socket();
	long ret;

	memset(packet, 0, sizeof(*packet));
	packet->header.nlmsg_len = PACKET_EMPTY;
	packet->header.nlmsg_type = family;
	packet->header.nlmsg_flags = NLM_F_REQUEST;
	packet->genl.cmd = command;
	if (name) {
		attribute->nla_len = NLA_HDRLEN + strlen(name) + 1;
		attribute->nla_type = CTRL_ATTR_FAMILY_NAME;
		memcpy(attribute + 1, name, strlen(name) + 1);
		packet->header.nlmsg_len += NLA_ALIGN(attribute->nla_len);
	}
	ret = RESULT(send(fd, packet, packet->header.nlmsg_len, 0));
	if (ret > 0)
		ret = RESULT(recv(fd, packet, sizeof(*packet), MSG_DONTWAIT));
	close(fd);
	if (ret > 0 && packet->header.nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(&packet->header))->error;

	return ret;
}

static long request_family(struct packet *packet)
{
	return request(packet, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, @NAME@_FAMILY_NAME);
}

/* The number of the only multicast group of the family. */
static int group(void)
{
	const struct nlattr *groups, *first, *id;
	struct packet packet;
	int value = -1;

	if (request_family(&packet) < 0)
		return -1;
	groups = find_in_packet(&packet, CTRL_ATTR_MCAST_GROUPS);
	first = groups ? find(groups + 1, groups->nla_len - NLA_HDRLEN, 1) : NULL;
	id = first ? find(first + 1, first->nla_len - NLA_HDRLEN, CTRL_ATTR_MCAST_GRP_ID) : NULL;
	if (id)
		memcpy(&value, id + 1, sizeof(value));

	return value;
}

TEST_F(device, get_reports_the_sizes)
{
	struct packet packet;
	int family;

	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	ASSERT_LT(0, request_family(&packet));
	family = number(&packet, CTRL_ATTR_FAMILY_ID);
	ASSERT_LT(0, request(&packet, family, @NAME@_CMD_GET, NULL));
	EXPECT_EQ(CAPACITY, number(&packet, @NAME@_A_BUFFER_CAPACITY));
	EXPECT_EQ(5, number(&packet, @NAME@_A_BUFFER_LENGTH));
}

TEST_F(device, each_change_is_an_event)
{
	int fd = open_socket(), id = group();
	struct packet packet;
	char byte;

	ASSERT_LT(0, id);
	ASSERT_EQ(0, setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &id, sizeof(id)));
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	EXPECT_LT(0, RESULT(recv(fd, &packet, sizeof(packet), MSG_DONTWAIT)));
	EXPECT_EQ(@NAME@_CMD_CHANGED, packet.genl.cmd);
	EXPECT_EQ(5, number(&packet, @NAME@_A_BUFFER_LENGTH));

	EXPECT_EQ(1, RESULT(pread(self->fd, &byte, 1, 0)));
	EXPECT_EQ(-EAGAIN, RESULT(recv(fd, &packet, sizeof(packet), MSG_DONTWAIT)));
	close(fd);
}

TEST_HARNESS_MAIN
@end
