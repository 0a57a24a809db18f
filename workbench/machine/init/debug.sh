# SPDX-License-Identifier: GPL-2.0-only
#
# Sourced in the guest when the module is loaded: debug.sh DIRECTORY MODULE. Leaves in
# the directory, which is the host's too, the gdb command that loads the symbols of
# the module, a file, and waits for the debugger.

# Time passes while the debugger stops the kernel.
for setting in '1 /sys/module/rcupdate/parameters/rcu_cpu_stall_suppress' \
	       '0 /proc/sys/kernel/hung_task_timeout_secs'; do
	[ -e "${setting#* }" ] && echo "${setting%% *}" >"${setting#* }"
done

name=${2##*/}
sections=/sys/module/$(echo "${name%.ko}" | tr - _)/sections
{
	printf 'add-symbol-file %s' "$2"
	for section in .text .data .bss .rodata; do
		[ -e $sections/$section ] && printf ' -s %s %s' $section "$(cat $sections/$section)"
	done
	echo
} >"$1/symbols.new"
mv "$1/symbols.new" "$1/symbols"
sync

if grep -q kgdboc /proc/cmdline; then
	echo g >/proc/sysrq-trigger
else
	until [ -e "$1/go" ]; do
		sleep 0.1
	done
fi
