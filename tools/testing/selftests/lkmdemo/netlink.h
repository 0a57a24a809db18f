/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family: requests, and a socket that receives its events.
 */
#ifndef _LKMDEMO_SELFTEST_NETLINK_H
#define _LKMDEMO_SELFTEST_NETLINK_H

#include <linux/genetlink.h>
#include <linux/lkmdemo_netlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <sys/socket.h>

#include "device.h"

struct packet {
	struct nlmsghdr header;
	struct genlmsghdr genl;
	char attributes[2048];
};

/* Length of a packet without attributes. */
#define PACKET_EMPTY	offsetof(struct packet, attributes)

static inline void packet_start(struct packet *packet, uint16_t family, uint8_t command)
{
	memset(packet, 0, sizeof(*packet));
	packet->header.nlmsg_len = PACKET_EMPTY;
	packet->header.nlmsg_type = family;
	packet->header.nlmsg_flags = NLM_F_REQUEST;
	packet->genl.cmd = command;
}

static inline void packet_put(struct packet *packet, uint16_t type, const void *data, uint16_t size)
{
	struct nlattr *attribute = (void *)packet + packet->header.nlmsg_len;

	attribute->nla_len = NLA_HDRLEN + size;
	attribute->nla_type = type;
	memcpy((char *)attribute + NLA_HDRLEN, data, size);
	packet->header.nlmsg_len += NLA_ALIGN(attribute->nla_len);
}

/* Find an attribute by its type in @size bytes. Return NULL if there is none. */
static inline const struct nlattr *attribute_find(const void *from, size_t size, uint16_t type)
{
	const struct nlattr *attribute;
	const char *end = from + size;

	for (; (const char *)from < end; from += NLA_ALIGN(attribute->nla_len)) {
		attribute = from;
		if ((attribute->nla_type & NLA_TYPE_MASK) == type)
			return attribute;
		if (attribute->nla_len < NLA_HDRLEN)
			break;
	}

	return NULL;
}

static inline const struct nlattr *packet_find(const struct packet *packet, uint16_t type)
{
	return attribute_find(packet->attributes, packet->header.nlmsg_len - PACKET_EMPTY, type);
}

static inline const struct nlattr *nested_find(const struct nlattr *nest, uint16_t type)
{
	return attribute_find(nest + 1, nest->nla_len - NLA_HDRLEN, type);
}

/* All bits are set for an attribute that is absent or not a number. */
static inline uint64_t attribute_number(const struct nlattr *attribute)
{
	uint64_t number64 = UINT64_MAX;
	uint32_t number32;
	uint16_t number16;

	if (!attribute)
		return number64;

	switch (attribute->nla_len - NLA_HDRLEN) {
	case sizeof(number16):
		memcpy(&number16, attribute + 1, sizeof(number16));
		return number16;
	case sizeof(number32):
		memcpy(&number32, attribute + 1, sizeof(number32));
		return number32;
	case sizeof(number64):
		memcpy(&number64, attribute + 1, sizeof(number64));
	}

	return number64;
}

static inline int socket_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		ksft_exit_fail_perror("socket_open");

	return fd;
}

/* Receive a packet. Return 0 or a negative errno, -EAGAIN if there is no packet. */
static inline int receive(int fd, struct packet *packet)
{
	ssize_t ret = RESULT(recv(fd, packet, sizeof(*packet), MSG_DONTWAIT));

	return ret < 0 ? ret : 0;
}

/* Send a packet and replace it with the reply. Return the errno in the reply. */
static inline int request(struct packet *packet)
{
	int fd = socket_open();
	int ret;

	if (send(fd, packet, packet->header.nlmsg_len, 0) < 0)
		ksft_exit_fail_perror("request");
	ret = receive(fd, packet);
	close(fd);

	if (!ret && packet->header.nlmsg_type == NLMSG_ERROR)
		ret = ((struct nlmsgerr *)NLMSG_DATA(&packet->header))->error;

	return ret;
}

/* Request the family from nlctrl. */
static inline int family_get(struct packet *packet)
{
	packet_start(packet, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	packet_put(packet, CTRL_ATTR_FAMILY_NAME, LKMDEMO_FAMILY_NAME,
		   sizeof(LKMDEMO_FAMILY_NAME));

	return request(packet);
}

static inline int family_id(void)
{
	struct packet packet;
	int ret = family_get(&packet);

	return ret ?: (int)attribute_number(packet_find(&packet, CTRL_ATTR_FAMILY_ID));
}

/* The id of the only group of the family. */
static inline int group_id(void)
{
	const struct nlattr *groups, *group, *name;
	struct packet packet;
	int ret = family_get(&packet);

	if (ret)
		return ret;

	groups = packet_find(&packet, CTRL_ATTR_MCAST_GROUPS);
	group = groups ? nested_find(groups, 1) : NULL;
	name = group ? nested_find(group, CTRL_ATTR_MCAST_GRP_NAME) : NULL;
	if (!name || strcmp((const char *)(name + 1), LKMDEMO_MCGRP_MESSAGE))
		return -ENOMSG;

	return attribute_number(nested_find(group, CTRL_ATTR_MCAST_GRP_ID));
}

static inline int group_change(int fd, int option, int group)
{
	return RESULT(setsockopt(fd, SOL_NETLINK, option, &group, sizeof(group)));
}

static inline int membership(int fd, int option)
{
	int group = group_id();

	return group < 0 ? group : group_change(fd, option, group);
}

static inline int listener_open(void)
{
	int fd = socket_open();
	int ret = membership(fd, NETLINK_ADD_MEMBERSHIP);

	return ret ?: fd;
}

static inline int info_get(struct lkmdemo_info *info)
{
	struct packet packet;
	int ret;

	packet_start(&packet, family_id(), LKMDEMO_CMD_INFO_GET);
	ret = request(&packet);
	info->capacity = attribute_number(packet_find(&packet, LKMDEMO_A_MESSAGE_CAPACITY));
	info->length = attribute_number(packet_find(&packet, LKMDEMO_A_MESSAGE_LENGTH));
	info->generation = attribute_number(packet_find(&packet, LKMDEMO_A_MESSAGE_GENERATION));

	return ret;
}

/* Receive an event. Return 0 or a negative errno, -EAGAIN if there is no event. */
static inline int event_receive(int fd, uint64_t *length, uint64_t *generation)
{
	struct packet packet;
	int ret = receive(fd, &packet);

	if (ret)
		return ret;
	if (packet.genl.cmd != LKMDEMO_CMD_MESSAGE_CHANGED)
		return -EBADMSG;

	*length = attribute_number(packet_find(&packet, LKMDEMO_A_MESSAGE_LENGTH));
	*generation = attribute_number(packet_find(&packet, LKMDEMO_A_MESSAGE_GENERATION));

	return 0;
}

#define EXPECT_EVENT(fd, expected_length, expected_generation) do {		\
	uint64_t _length = 0, _generation = 0;					\
	EXPECT_EQ(0, event_receive(fd, &_length, &_generation));		\
	EXPECT_EQ(expected_length, _length);					\
	EXPECT_EQ(expected_generation, _generation - first_generation + 1);	\
} while (0)

#define EXPECT_NO_EVENT(fd) do {						\
	uint64_t _length, _generation;						\
	EXPECT_EQ(-EAGAIN, event_receive(fd, &_length, &_generation));		\
} while (0)

#endif /* _LKMDEMO_SELFTEST_NETLINK_H */
