// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of the trace events that trace.h declares.
 */
#include <linux/types.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
