#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Random writes to /dev/lkmdemo, each block read back and its checksum verified,
# by a program that knows nothing of the device.

dir=$(dirname "$(readlink -f "$0")")
helpers=$dir/../kselftest/ktap_helpers.sh

# To source what is not there would end with the status of an expected failure.
[ -r "$helpers" ] || exit 1
# shellcheck source=../kselftest/ktap_helpers.sh
. "$helpers"

capacity=65536
block_sizes='512 4096 65536'
engines='psync io_uring'

ktap_print_header

if [ "$(id -u)" -ne 0 ]; then
	ktap_skip_all 'needs root'
	exit "$KSFT_SKIP"
fi
if ! command -v fio >/dev/null; then
	ktap_skip_all 'needs fio'
	exit "$KSFT_SKIP"
fi

# shellcheck disable=SC2086 # words are to be counted
set -- $block_sizes
sizes=$#
# shellcheck disable=SC2086
set -- $engines
ktap_set_plan $((sizes * $#))

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

modprobe -r lkmdemo
modprobe lkmdemo capacity=$capacity exclusive=N ||
	ktap_exit_fail_msg 'cannot load lkmdemo'

# One job a case, one after the other: fio takes long to start.
{
	cat <<-EOF
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
	for engine in $engines; do
		for size in $block_sizes; do
			echo "[fio.$engine.blocks_of_${size}_bytes_verify]"
			echo "ioengine=$engine"
			echo "bs=$size"
		done
	done
} >"$out/jobs"

(cd "$out" && fio jobs) >"$out/log" 2>&1
status=$?

sed -n 's/^\[\(fio\..*\)]$/\1/p' "$out/jobs" >"$out/names"
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

modprobe -r lkmdemo
ktap_finished
