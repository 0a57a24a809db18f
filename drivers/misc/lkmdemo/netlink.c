// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: a request for the state of the message, and an
 * event for each change.
 */
#include <linux/capability.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "lkmdemo.h"
#include "netlink-gen.h"

/* ynl_gen_c.py ignores the flags of a group in the specification. */
static const struct genl_multicast_group lkmdemo_nl_groups[] = {
	[LKMDEMO_NLGRP_MESSAGE] = {
		.name = LKMDEMO_MCGRP_MESSAGE,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

/*
 * Whether a process with CAP_NET_ADMIN ever joined the group. The owner of any
 * other network namespace may join it as well, but receives no event there, and
 * must not be able to slow down writes.
 */
static bool lkmdemo_nl_joined;

static int lkmdemo_nl_bind(int group)
{
	if (ns_capable_noaudit(&init_user_ns, CAP_NET_ADMIN))
		WRITE_ONCE(lkmdemo_nl_joined, true);

	return 0;
}

static struct sk_buff *lkmdemo_nl_new(gfp_t gfp)
{
	return genlmsg_new(2 * nla_total_size(sizeof(u32)) + nla_total_size(sizeof(u64)), gfp);
}

static int lkmdemo_nl_put_change(struct sk_buff *skb, u32 length, u64 generation)
{
	return nla_put_u32(skb, LKMDEMO_A_MESSAGE_LENGTH, length) ?:
	       nla_put_uint(skb, LKMDEMO_A_MESSAGE_GENERATION, generation);
}

/**
 * lkmdemo_nl_info_get_doit() - reply to info-get
 * @skb: the request
 * @info: its attributes and sender
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno, which becomes the reply.
 */
int lkmdemo_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct lkmdemo_info now;
	struct sk_buff *reply;
	void *hdr = NULL;

	lkmdemo_message_info(&lkmdemo.message, &now);
	reply = lkmdemo_nl_new(GFP_KERNEL);
	if (reply)
		hdr = genlmsg_iput(reply, info);
	/* The reply has room for each attribute: only the allocation fails. */
	if (!hdr || nla_put_u32(reply, LKMDEMO_A_MESSAGE_CAPACITY, now.capacity) ||
	    lkmdemo_nl_put_change(reply, now.length, now.generation)) {
		nlmsg_free(reply);
		return -ENOMEM;
	}
	genlmsg_end(reply, hdr);

	return genlmsg_reply(reply, info);
}

/* GFP_NOWAIT: the caller may be a write with IOCB_NOWAIT. */
static noinline void lkmdemo_nl_announce(u32 length, u64 generation)
{
	struct sk_buff *skb;
	void *hdr = NULL;

	skb = lkmdemo_nl_new(GFP_NOWAIT);
	if (skb)
		hdr = genlmsg_put(skb, 0, 0, &lkmdemo_nl_family, 0, LKMDEMO_CMD_MESSAGE_CHANGED);
	if (!hdr || lkmdemo_nl_put_change(skb, length, generation)) {
		nlmsg_free(skb);
		/* Netlink itself reports an event that a full socket loses. */
		genl_set_err(&lkmdemo_nl_family, &init_net, 0, LKMDEMO_NLGRP_MESSAGE, -ENOBUFS);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&lkmdemo_nl_family, skb, 0, LKMDEMO_NLGRP_MESSAGE, GFP_NOWAIT);
}

static void lkmdemo_nl_notify(size_t length, u64 generation)
{
	if (READ_ONCE(lkmdemo_nl_joined) &&
	    genl_has_listeners(&lkmdemo_nl_family, &init_net, LKMDEMO_NLGRP_MESSAGE))
		lkmdemo_nl_announce(length, generation);
}

/* Register the family. The device is not registered yet. */
int __init lkmdemo_netlink_init(void)
{
	lkmdemo_nl_family.netnsok = false;
	lkmdemo_nl_family.mcgrps = lkmdemo_nl_groups;
	lkmdemo_nl_family.bind = lkmdemo_nl_bind;
	lkmdemo.message.notify = lkmdemo_nl_notify;

	return genl_register_family(&lkmdemo_nl_family);
}

/* Unregister the family. The device has no users left. */
void lkmdemo_netlink_exit(void)
{
	genl_unregister_family(&lkmdemo_nl_family);
}
