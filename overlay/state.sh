#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Prints the state of the machine that a run of the selftests must restore.

unset TMPDIR

# lines FILE...: the lines of those that can be read, each with the name of its file.
lines()
{
	for file; do
		[ ! -f "$file" ] || sed "s|^|$file: |" "$file" 2>/dev/null
	done
}

# Without values that change by themselves, and the taint, which only a boot resets.
# shellcheck disable=SC2046 # no name has a space
lines $(find /proc/sys -type f ! -path '*/random/*' ! -path '/proc/sys/fs/*-nr' \
	! -path '/proc/sys/fs/*-state' ! -name ns_last_pid ! -name nr ! -name tainted | sort)
sort /proc/mounts

for module in /sys/module/*; do
	[ ! -e "$module/initstate" ] || echo "loaded: ${module##*/}"
	lines "$module"/parameters/*
done

# The debug lines that are enabled.
grep -s ' =[^_ ]' /proc/dynamic_debug/control

tracing=/sys/kernel/tracing
lines $tracing/current_tracer $tracing/tracing_on $tracing/trace_clock $tracing/set_event \
	$tracing/set_ftrace_filter $tracing/set_ftrace_pid $tracing/buffer_size_kb \
	$tracing/tracing_cpumask $tracing/trace_options
lines /sys/kernel/debug/failslab/*

find /dev /etc/modprobe.d /lib/firmware "/lib/modules/$(uname -r)" /tmp /sys/class/misc \
	/sys/kernel/debug/lkmdemo* $tracing/instances -xdev 2>/dev/null | sort
