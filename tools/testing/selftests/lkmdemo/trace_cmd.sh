#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # expect calls the functions
#
# Records the trace events of a known sequence of calls with trace-cmd, and compares
# its report with that sequence.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

ktap_set_plan 3

reason=$({
	root_missing
	tool_missing trace-cmd
	mount_missing tracefs /sys/kernel/tracing
	device_unusable
} | head -n 1)
[ -n "$reason" ] || fresh_device exclusive=Y

# One process for each step, so that each has an open, its calls and a release.
cat >"$out/calls" <<'CALLS'
printf 'four' | dd of=/dev/lkmdemo bs=4 count=1 seek=2 conv=notrunc status=none
dd if=/dev/lkmdemo of=/dev/null bs=16 count=1 status=none
head -c 2000 /dev/zero | dd of=/dev/lkmdemo bs=2000 count=1 conv=notrunc \
	iflag=fullblock status=none 2>/dev/null
exec 3</dev/lkmdemo
(: </dev/lkmdemo) 2>/dev/null
exec 3<&-
true
CALLS

# A buffer of its own leaves the settings of others alone. The default clock may be too
# coarse to order the events of two CPUs. With -B, trace-cmd writes a file for each CPU to
# the current directory.
record()
{
	cd "$out" && says trace-cmd record -q -B lkmdemo_selftest -C mono -e lkmdemo \
		-o "$out/trace.dat" sh "$out/calls"
}

expect 'trace_cmd.records_the_events' '' record

# The event and its fields alone, without the open flags.
report()
{
	trace-cmd report -i "$out/trace.dat" 2>/dev/null |
		sed -n 's/.*\(lkmdemo_[a-z]*\): */\1: /p' |
		sed 's/flags=0x[0-9a-f]* *//; s/ *$//'
}

expect 'trace_cmd.reports_the_calls_in_order' "\
lkmdemo_open: ret=0
lkmdemo_write: pos=8 count=4 ret=4
lkmdemo_release:
lkmdemo_open: ret=0
lkmdemo_read: pos=0 count=16 ret=16
lkmdemo_release:
lkmdemo_open: ret=0
lkmdemo_write: pos=0 count=2000 ret=-22
lkmdemo_release:
lkmdemo_open: ret=0
lkmdemo_open: ret=-16
lkmdemo_release:" \
	report

events()
{
	trace-cmd list -e lkmdemo | sed 's/^lkmdemo:lkmdemo_//' | sort | tr '\n' ' '
}

expect 'trace_cmd.lists_five_events' 'ioctl open read release write ' events

finish
