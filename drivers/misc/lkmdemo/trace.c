// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of the trace events of the system lkmdemo.
 */
#include <linux/types.h>

#define CREATE_TRACE_POINTS
#include <trace/events/lkmdemo.h>
