#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Reads the device with two numbers of teeth.

echo 'TAP version 13'
echo 1..2

# usage: check NUMBER ARGUMENTS EXPECTED
check()
{
	# shellcheck disable=SC2086 # no argument, or one
	modprobe sprocket $2
	text=$(cat /dev/sprocket)
	rmmod sprocket
	if [ "$text" = "$3" ]; then
		echo "ok $1 shows $3"
	else
		echo "# Expected $3, not $text"
		echo "not ok $1 shows $3"
		failed=1
	fi
}

failed=0
check 1 '' '32 teeth'
check 2 teeth=7 '7 teeth'
exit $failed
