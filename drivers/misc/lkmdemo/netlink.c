// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: what there is to know about the message, and an
 * event for each of its changes.
 */
#include <linux/rcupdate.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "lkmdemo.h"
#include "netlink-gen.h"

static struct lkmdemo_message *lkmdemo_nl_message;

static struct sk_buff *lkmdemo_nl_new(gfp_t gfp)
{
	return genlmsg_new(2 * nla_total_size(sizeof(u32)) +
			   nla_total_size(sizeof(u64)), gfp);
}

static int lkmdemo_nl_put_change(struct sk_buff *skb, u32 length,
				 u64 generation)
{
	return nla_put_u32(skb, LKMDEMO_A_MESSAGE_LENGTH, length) ?:
	       nla_put_uint(skb, LKMDEMO_A_MESSAGE_GENERATION, generation);
}

/**
 * lkmdemo_nl_info_get_doit() - answer to info-get
 * @skb: the request
 * @info: what genetlink has found in it
 *
 * Context: Process context, may sleep.
 * Return: 0, or a negative errno, which becomes the answer.
 */
int lkmdemo_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct lkmdemo_info now;
	struct sk_buff *reply;
	void *hdr;

	reply = lkmdemo_nl_new(GFP_KERNEL);
	if (!reply)
		return -ENOMEM;

	lkmdemo_message_info(lkmdemo_nl_message, &now);
	hdr = genlmsg_iput(reply, info);
	if (!hdr ||
	    nla_put_u32(reply, LKMDEMO_A_MESSAGE_CAPACITY, now.capacity) ||
	    lkmdemo_nl_put_change(reply, now.length, now.generation)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, hdr);

	return genlmsg_reply(reply, info);
}

/* Writers that must not wait come here too. */
static struct sk_buff *lkmdemo_nl_event(u32 length, u64 generation)
{
	struct sk_buff *skb;
	void *hdr;

	skb = lkmdemo_nl_new(GFP_NOWAIT);
	if (!skb)
		return NULL;

	hdr = genlmsg_put(skb, 0, 0, &lkmdemo_nl_family, 0,
			  LKMDEMO_CMD_MESSAGE_CHANGED);
	if (!hdr || lkmdemo_nl_put_change(skb, length, generation)) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, hdr);

	return skb;
}

/*
 * One namespace by one, so that a listener's trouble stays in its own. Who misses
 * an event, for want of memory here or of room in its socket, is told so: the
 * latter by netlink itself.
 */
static noinline void lkmdemo_nl_tell(u32 length, u64 generation)
{
	struct sk_buff *skb;
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net) {
		skb = lkmdemo_nl_event(length, generation);
		if (skb)
			genlmsg_multicast_netns(&lkmdemo_nl_family, net, skb, 0,
						LKMDEMO_NLGRP_MESSAGE,
						GFP_NOWAIT);
		else
			genl_set_err(&lkmdemo_nl_family, net, 0,
				     LKMDEMO_NLGRP_MESSAGE, -ENOBUFS);
	}
	rcu_read_unlock();
}

/* Every write comes here, and hardly ever is anybody listening. */
static void lkmdemo_nl_notify(size_t length, u64 generation)
{
	/* The answer is for all network namespaces, whichever is asked. */
	if (genl_has_listeners(&lkmdemo_nl_family, &init_net,
			       LKMDEMO_NLGRP_MESSAGE))
		lkmdemo_nl_tell(length, generation);
}

/**
 * lkmdemo_netlink_init() - make a message known to netlink
 * @msg: the message, which nobody changes yet
 *
 * Context: Process context, may sleep.
 * Return: 0, or a negative errno.
 */
int __init lkmdemo_netlink_init(struct lkmdemo_message *msg)
{
	int ret;

	lkmdemo_nl_message = msg;
	ret = genl_register_family(&lkmdemo_nl_family);
	if (ret)
		return ret;

	msg->notify = lkmdemo_nl_notify;

	return 0;
}

/**
 * lkmdemo_netlink_exit() - make a message unknown to netlink
 * @msg: the message, which nobody changes any more
 *
 * Context: Process context, may sleep until requests have been answered.
 */
void lkmdemo_netlink_exit(struct lkmdemo_message *msg)
{
	msg->notify = NULL;
	genl_unregister_family(&lkmdemo_nl_family);
}
