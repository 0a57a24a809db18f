#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Random writes to /dev/lkmdemo, each block read back and its checksum verified,
# by a program that knows nothing of the device.

dir=$(dirname "$(readlink -f "$0")")
helpers=$dir/../kselftest/ktap_helpers.sh

# To source what is not there would end with the status of an expected failure.
[ -r "$helpers" ] || exit 1
. "$helpers"

capacity=1048576
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

for engine in $engines; do
	for size in $block_sizes; do
		name="fio.$engine.blocks_of_${size}_bytes_verify"
		if (cd "$out" &&
		    fio --name=verify --filename=/dev/lkmdemo --size=$capacity \
			--ioengine="$engine" --iodepth=4 --rw=randwrite \
			--bs="$size" --verify=crc32c --verify_fatal=1 \
			--do_verify=1 --randseed=1 --thread) >"$out/log" 2>&1; then
			ktap_test_pass "$name"
		else
			sed 's/^/# /' "$out/log"
			ktap_test_fail "$name"
		fi
	done
done

modprobe -r lkmdemo
ktap_finished
