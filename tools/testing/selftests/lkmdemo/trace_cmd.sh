#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Records the trace events of a known sequence of calls with trace-cmd, and
# compares its report with that sequence.

dir=$(dirname "$(readlink -f "$0")")
helpers=$dir/../kselftest/ktap_helpers.sh

# To source what is not there would end with the status of an expected failure.
[ -r "$helpers" ] || exit 1
# shellcheck source=../kselftest/ktap_helpers.sh
. "$helpers"

ktap_print_header

if [ "$(id -u)" -ne 0 ]; then
	ktap_skip_all 'needs root'
	exit "$KSFT_SKIP"
fi
if ! command -v trace-cmd >/dev/null; then
	ktap_skip_all 'needs trace-cmd'
	exit "$KSFT_SKIP"
fi

ktap_set_plan 3

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

modprobe -r lkmdemo
modprobe lkmdemo || ktap_exit_fail_msg 'cannot load lkmdemo'

# One process a step, so that each has an open, its calls and a release.
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

cat >"$out/want" <<'WANT'
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
lkmdemo_release:
WANT

# The default clock may be too coarse to order what happens on two CPUs.
if trace-cmd record -q -C mono -e lkmdemo -o "$out/trace.dat" sh "$out/calls" \
   >"$out/log" 2>&1; then
	ktap_test_pass 'trace_cmd.records_the_events'
else
	sed 's/^/# /' "$out/log"
	ktap_test_fail 'trace_cmd.records_the_events'
fi

# What is left of a line is the event and its fields, without the open flags.
trace-cmd report -i "$out/trace.dat" 2>"$out/log" |
	sed -n 's/.*\(lkmdemo_[a-z]*\): */\1: /p' |
	sed 's/flags=0x[0-9a-f]* *//; s/ *$//' >"$out/got"

if diff -u "$out/want" "$out/got" >"$out/diff"; then
	ktap_test_pass 'trace_cmd.reports_the_calls_in_order'
else
	sed 's/^/# /' "$out/diff" "$out/log"
	ktap_test_fail 'trace_cmd.reports_the_calls_in_order'
fi

if trace-cmd list -e lkmdemo | sed 's/^lkmdemo:lkmdemo_//' | sort | tr '\n' ' ' |
   grep -qx 'ioctl open read release write '; then
	ktap_test_pass 'trace_cmd.lists_five_events'
else
	trace-cmd list -e lkmdemo | sed 's/^/# /'
	ktap_test_fail 'trace_cmd.lists_five_events'
fi

modprobe -r lkmdemo
ktap_finished
