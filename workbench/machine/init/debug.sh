# SPDX-License-Identifier: GPL-2.0-only
#
# usage: . debug.sh DIRECTORY MODULE
#
# Sourced in the guest after the module is loaded. Write the gdb command that loads the
# symbols of MODULE, a file, to DIRECTORY/symbols, and wait for the debugger. The guest
# shares DIRECTORY with the host.

# While the debugger stops the kernel, stalls are not errors.
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
