/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM lkmdemo

#if !defined(_TRACE_LKMDEMO_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_LKMDEMO_H

#include <linux/tracepoint.h>

TRACE_EVENT(lkmdemo_open,
	    TP_PROTO(unsigned int flags, int ret),
	    TP_ARGS(flags, ret),
	    TP_STRUCT__entry(__field(unsigned int, flags)
			     __field(int, ret)),
	    TP_fast_assign(__entry->flags = flags;
			   __entry->ret = ret;),
	    TP_printk("flags=%#x ret=%d", __entry->flags, __entry->ret)
);

TRACE_EVENT(lkmdemo_release,
	    TP_PROTO(unsigned int flags),
	    TP_ARGS(flags),
	    TP_STRUCT__entry(__field(unsigned int, flags)),
	    TP_fast_assign(__entry->flags = flags;),
	    TP_printk("flags=%#x", __entry->flags)
);

DECLARE_EVENT_CLASS(lkmdemo_transfer,
		    TP_PROTO(loff_t pos, size_t count, ssize_t ret),
		    TP_ARGS(pos, count, ret),
		    TP_STRUCT__entry(__field(loff_t, pos)
				     __field(size_t, count)
				     __field(ssize_t, ret)),
		    TP_fast_assign(__entry->pos = pos;
				   __entry->count = count;
				   __entry->ret = ret;),
		    TP_printk("pos=%lld count=%zu ret=%zd",
			      __entry->pos, __entry->count, __entry->ret)
);

DEFINE_EVENT(lkmdemo_transfer, lkmdemo_read,
	     TP_PROTO(loff_t pos, size_t count, ssize_t ret),
	     TP_ARGS(pos, count, ret)
);

DEFINE_EVENT(lkmdemo_transfer, lkmdemo_write,
	     TP_PROTO(loff_t pos, size_t count, ssize_t ret),
	     TP_ARGS(pos, count, ret)
);

TRACE_EVENT(lkmdemo_ioctl,
	    TP_PROTO(unsigned int cmd, long ret),
	    TP_ARGS(cmd, ret),
	    TP_STRUCT__entry(__field(unsigned int, cmd)
			     __field(long, ret)),
	    TP_fast_assign(__entry->cmd = cmd;
			   __entry->ret = ret;),
	    TP_printk("cmd=%#x ret=%ld", __entry->cmd, __entry->ret)
);

#endif /* _TRACE_LKMDEMO_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
