@if netlink
// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: a request for the sizes of the buffer, and an
 * event for each change.
 */
#include <linux/mutex.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "@name@.h"
#include "netlink-gen.h"

/* The device that requests refer to. */
static struct @name@_device *@name@_nl_dev;

/* ynl_gen_c.py ignores the flags of a group in the specification. */
static const struct genl_multicast_group @name@_nl_groups[] = {
	[@NAME@_NLGRP_CHANGES] = {
		.name = @NAME@_MCGRP_CHANGES,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

/**
 * @name@_nl_get_doit() - reply to get
 * @skb: the request
 * @info: its attributes and sender
 *
 * Return: 0 or a negative errno, which becomes the reply.
 */
int @name@_nl_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	size_t length;
	void *hdr;

	scoped_guard(mutex, &@name@_nl_dev->lock)
		length = @name@_nl_dev->length;

	reply = genlmsg_new(2 * nla_total_size(sizeof(u32)), GFP_KERNEL);
	if (!reply)
		return -ENOMEM;

	hdr = genlmsg_iput(reply, info);
	if (!hdr ||
	    nla_put_u32(reply, @NAME@_A_BUFFER_CAPACITY, @NAME@_CAPACITY) ||
	    nla_put_u32(reply, @NAME@_A_BUFFER_LENGTH, length)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, hdr);

	return genlmsg_reply(reply, info);
}

/* Send an event for the registered device, which KUnit does not use. */
void @name@_netlink_notify(struct @name@_device *dev)
{
	struct sk_buff *skb;
	void *hdr = NULL;

	if (dev != @name@_nl_dev ||
	    !genl_has_listeners(&@name@_nl_family, &init_net,
				@NAME@_NLGRP_CHANGES))
		return;

	skb = genlmsg_new(nla_total_size(sizeof(u32)), GFP_KERNEL);
	if (skb)
		hdr = genlmsg_put(skb, 0, 0, &@name@_nl_family, 0,
				  @NAME@_CMD_CHANGED);
	if (!hdr || nla_put_u32(skb, @NAME@_A_BUFFER_LENGTH, dev->length)) {
		nlmsg_free(skb);
		/* Netlink itself reports an event that a full socket loses. */
		genl_set_err(&@name@_nl_family, &init_net, 0,
			     @NAME@_NLGRP_CHANGES, -ENOBUFS);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&@name@_nl_family, skb, 0, @NAME@_NLGRP_CHANGES,
			  GFP_KERNEL);
}

/* Register the family. The device is not registered yet. */
int __init @name@_netlink_init(struct @name@_device *dev)
{
	@name@_nl_dev = dev;
	@name@_nl_family.netnsok = false;
	@name@_nl_family.mcgrps = @name@_nl_groups;

	return genl_register_family(&@name@_nl_family);
}

/* Unregister the family. The device has no users left. */
void @name@_netlink_exit(void)
{
	genl_unregister_family(&@name@_nl_family);
}
@end
