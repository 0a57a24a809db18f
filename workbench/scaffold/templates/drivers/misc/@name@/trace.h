@if trace
/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM @name@

#if !defined(_TRACE_@NAME@_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_@NAME@_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(@name@_transfer,
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

DEFINE_EVENT(@name@_transfer, @name@_read,
	     TP_PROTO(loff_t pos, size_t count, ssize_t ret),
	     TP_ARGS(pos, count, ret)
);

DEFINE_EVENT(@name@_transfer, @name@_write,
	     TP_PROTO(loff_t pos, size_t count, ssize_t ret),
	     TP_ARGS(pos, count, ret)
);

#endif /* _TRACE_@NAME@_H */

/* This part must be outside protection */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
@end
