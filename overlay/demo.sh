# SPDX-License-Identifier: GPL-2.0-only
#
# The demonstration of the device, which runs in the guest. Print each command and its
# output. Exit with status 1 at the first command with an unexpected result.

here=overlay

say()
{
	printf '\n# %s\n' "$*"
}

# usage: run COMMAND
run()
{
	printf '$ %s\n' "$1"
	eval "$1" 2>&1 || {
		echo "demo: failed with status $?: $1"
		exit 1
	}
}

# usage: refused ERROR COMMAND
# Run a command that must fail with an error.
refused()
{
	printf '$ %s\n' "$2"
	if output=$(eval "$2" 2>&1); then
		echo "demo: the command should fail: $2"
		exit 1
	fi
	echo "$output"
	case $output in
	*"$1"*) ;;
	*)
		echo "demo: the error should be: $1"
		exit 1
		;;
	esac
}

echo "Linux $(uname -r), $(nproc) processors, booted for this demo"

say 'modprobe also loads the counters, on which the driver depends.'
run 'modprobe lkmdemo'
run 'lsmod | grep lkmdemo'
run 'ls -l /dev/lkmdemo'

say 'The first message is a greeting. A write replaces it.'
run 'cat /dev/lkmdemo'
run 'echo "The answer is 42" >/dev/lkmdemo'
run 'cat /dev/lkmdemo'
run 'dd if=/dev/lkmdemo bs=1 skip=14 status=none'

say 'A write that exceeds the capacity fails with EINVAL and has no effect.'
refused 'Invalid argument' 'dd if=/dev/zero of=/dev/lkmdemo bs=1025 count=1 conv=notrunc status=none'
run 'cat /dev/lkmdemo'

say 'A second open fails with EBUSY while the device is open.'
run 'exec 3</dev/lkmdemo'
refused 'Device or resource busy' 'cat /dev/lkmdemo'
refused 'in use' 'rmmod lkmdemo'
run 'exec 3<&-'

say 'With exclusive=N, a process can wait for the write of another one with poll.'
run 'echo N >/sys/module/lkmdemo/parameters/exclusive'
run "$here/watch.py & sleep 1; echo 'Wake up' >/dev/lkmdemo; wait \$!"

say 'A mapping of the device shows the message and later writes.'
run "$here/map.py"

say 'Trace events record each call.'
run 'echo 1 >/sys/kernel/tracing/events/lkmdemo/enable'
run 'head -c 4 /dev/lkmdemo; echo'
refused 'No space left' 'head -c 1020 /dev/zero | dd of=/dev/lkmdemo bs=1020 seek=1 conv=notrunc status=none'
run 'grep lkmdemo_ /sys/kernel/tracing/trace'
run 'cat /sys/class/misc/lkmdemo/generation'

say 'Two modules change a shared counter through exported symbols.'
run 'modprobe lkmdemo_inc'
run 'cat /sys/module/lkmdemo_counter/parameters/shared'
refused 'in use by: lkmdemo' 'rmmod lkmdemo_counter'
run 'modprobe lkmdemo_dec'
run 'cat /sys/module/lkmdemo_counter/parameters/shared'

say 'Unloading removes the device. The kernel log contains the messages of the modules.'
run 'rmmod lkmdemo_inc lkmdemo_dec lkmdemo lkmdemo_counter'
run 'dmesg | grep "lkmdemo_[a-z]*:"'
refused 'No such file' 'ls /dev/lkmdemo'
