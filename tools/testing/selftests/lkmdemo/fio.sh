#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Random writes to /dev/lkmdemo. fio, which does not know the device, reads each block
# back and verifies its checksum.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

block_sizes='512 4096 65536'
engines='psync io_uring'

# shellcheck disable=SC2086 # words are to be counted
set -- $block_sizes
sizes=$#
# shellcheck disable=SC2086
set -- $engines
ktap_set_plan $((sizes * $#))

reason=$({ root_missing; tool_missing fio; device_unusable; } | head -n 1)
if [ -z "$reason" ]; then
	fresh_device capacity=65536 exclusive=N
	capacity=$(cat /sys/class/misc/lkmdemo/capacity)
	cat >"$out/jobs" <<-EOF
		[global]
		filename=/dev/lkmdemo
		size=$capacity
		rw=randwrite
		iodepth=4
		verify=crc32c
		verify_fatal=1
		randseed=1
		thread
		stonewall
	EOF
fi

io_uring_disabled=$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null)

# job_unusable ENGINE SIZE. A driver that cannot be loaded afresh keeps its capacity.
job_unusable()
{
	if [ "$2" -gt "$capacity" ]; then
		echo "lkmdemo has a capacity of $capacity"
	elif [ "$1" = io_uring ] && [ "$io_uring_disabled" = 2 ]; then
		echo 'kernel.io_uring_disabled is 2'
	fi
}

# One run of fio has all jobs, since fio takes long to start.
for engine in $engines; do
	for size in $block_sizes; do
		name=fio.$engine.blocks_of_${size}_bytes_verify
		if [ -n "$reason" ]; then
			skip "$name" "$reason"
		elif [ -n "$(job_unusable "$engine" "$size")" ]; then
			skip "$name" "$(job_unusable "$engine" "$size")"
		else
			printf '[%s]\nioengine=%s\nbs=%s\n' "$name" "$engine" "$size" >>"$out/jobs"
			echo "$name" >>"$out/names"
		fi
	done
done
[ -e "$out/names" ] || finish

(cd "$out" && fio jobs) >"$out/log" 2>&1
status=$?

while read -r name; do
	if grep -q "^$name: .*): err= 0: " "$out/log"; then
		ktap_test_pass "$name"
	else
		ktap_test_fail "$name"
	fi
done <"$out/names"
if [ $status -ne 0 ]; then
	sed 's/^/# /' "$out/log"
	ktap_exit_fail_msg "fio ended with $status"
fi

finish
