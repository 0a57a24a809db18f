# SPDX-License-Identifier: GPL-2.0-only
#
# The walk through the device, run inside the guest. Prints each command and
# what it really printed; ends with status 1 at the first that does not do what
# the demo says it does.

here=overlay

say()
{
	printf '\n# %s\n' "$*"
}

# Run a command as a reader would type it.
run()
{
	printf '$ %s\n' "$1"
	eval "$1" 2>&1 || {
		echo "demo: failed with status $?: $1"
		exit 1
	}
}

# Run a command that must be refused, with this error.
refused()
{
	printf '$ %s\n' "$2"
	if output=$(eval "$2" 2>&1); then
		echo "demo: should have been refused: $2"
		exit 1
	fi
	echo "$output"
	case $output in
	*"$1"*) ;;
	*)
		echo "demo: the error should have been: $1"
		exit 1
		;;
	esac
}

echo "Linux $(uname -r), $(nproc) processors, booted for this demo"

say 'The driver brings the counters that it depends on.'
run 'modprobe lkmdemo'
run 'lsmod | grep lkmdemo'
run 'ls -l /dev/lkmdemo'

say 'The message is a greeting at first; then it is what was written.'
run 'cat /dev/lkmdemo'
run 'echo "The answer is 42" >/dev/lkmdemo'
run 'cat /dev/lkmdemo'
run 'dd if=/dev/lkmdemo bs=1 skip=14 status=none'

say 'More than the capacity is refused, and the message stays (EINVAL).'
refused 'Invalid argument' 'dd if=/dev/zero of=/dev/lkmdemo bs=1025 count=1 conv=notrunc status=none'
run 'cat /dev/lkmdemo'

say 'So is a second open while the device is in use (EBUSY).'
run 'exec 3</dev/lkmdemo'
refused 'Device or resource busy' 'cat /dev/lkmdemo'
refused 'in use' 'rmmod lkmdemo'
run 'exec 3<&-'

say 'With exclusive off, one can wait for what another writes: poll wakes.'
run 'echo N >/sys/module/lkmdemo/parameters/exclusive'
run "$here/watch.py & sleep 1; echo 'Wake up' >/dev/lkmdemo; wait \$!"

say 'A mapping of the device shows the message as it is, also later.'
run "$here/map.py"

say 'Each call leaves a trace event, if one wants them.'
run 'echo 1 >/sys/kernel/tracing/events/lkmdemo/enable'
run 'head -c 4 /dev/lkmdemo; echo'
refused 'No space left' 'head -c 1020 /dev/zero | dd of=/dev/lkmdemo bs=1020 seek=1 conv=notrunc status=none'
run 'grep lkmdemo_ /sys/kernel/tracing/trace'
run 'cat /sys/class/misc/lkmdemo/generation'

say 'Two modules move a counter that they share, through exported symbols.'
run 'modprobe lkmdemo_inc'
run 'cat /sys/module/lkmdemo_counter/parameters/shared'
refused 'in use by: lkmdemo' 'rmmod lkmdemo_counter'
run 'modprobe lkmdemo_dec'
run 'cat /sys/module/lkmdemo_counter/parameters/shared'

say 'What they said to the kernel log, and the end.'
run 'rmmod lkmdemo_inc lkmdemo_dec lkmdemo lkmdemo_counter'
run 'dmesg | grep "lkmdemo_[a-z]*:"'
refused 'No such file' 'ls /dev/lkmdemo'
