#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Print the state of the machine that the kselftests must restore.

unset TMPDIR

# usage: lines FILE...
# Print the lines of readable files, each with the name of its file.
lines()
{
	for file; do
		[ ! -f "$file" ] || sed "s|^|$file: |" "$file" 2>/dev/null
	done
}

# Values that change by themselves are left out, and the taint, which only a boot resets.
# shellcheck disable=SC2046 # no name has a space
lines $(find /proc/sys -type f ! -path '*/random/*' ! -path '/proc/sys/fs/*-nr' \
	! -path '/proc/sys/fs/*-state' ! -name ns_last_pid ! -name nr ! -name tainted | sort)
sort /proc/mounts

for module in /sys/module/*; do
	[ ! -e "$module/initstate" ] || echo "loaded: ${module##*/}"
	lines "$module"/parameters/*
done

# The enabled lines of dynamic debug.
grep -s ' =[^_ ]' /proc/dynamic_debug/control

tracing=/sys/kernel/tracing
lines $tracing/current_tracer $tracing/tracing_on $tracing/trace_clock $tracing/set_event \
	$tracing/set_ftrace_filter $tracing/set_ftrace_pid $tracing/buffer_size_kb \
	$tracing/tracing_cpumask $tracing/trace_options
lines /sys/kernel/debug/failslab/*

find /dev /etc/modprobe.d /lib/firmware "/lib/modules/$(uname -r)" /tmp /sys/class/misc \
	/sys/kernel/debug/lkmdemo* $tracing/instances -xdev 2>/dev/null | sort
