#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What make demo runs in the guest: shows each command and its output, and ends with
# status 1 at the first that does not do what is expected.

run()
{
	printf '$ %s\n' "$1"
	eval "$1" 2>&1 || {
		echo "demo: failed with status $?: $1"
		exit 1
	}
}

# Run a command that has to fail.
refused()
{
	printf '$ %s\n' "$1"
	if eval "$1" 2>&1; then
		echo "demo: should have been refused: $1"
		exit 1
	fi
}

run 'modprobe @name@'
run 'ls -l /dev/@name@'
run 'echo "The answer is 42" >/dev/@name@'
run 'cat /dev/@name@'
run 'dd if=/dev/@name@ bs=1 skip=14 status=none'
@if sysfs
run 'cat /sys/class/misc/@name@/length'
@end
@if debugfs
run 'cat /sys/kernel/debug/@name@/state'
@end
@if trace
run 'echo 1 >/sys/kernel/tracing/events/@name@/enable'
run 'head -c 3 /dev/@name@; echo'
run 'grep @name@_ /sys/kernel/tracing/trace'
@end

printf '\n# One process at a time has the device open.\n'
run 'exec 3</dev/@name@'
refused 'cat /dev/@name@'
refused 'rmmod @name@'
run 'exec 3<&-'
run 'rmmod @name@'
