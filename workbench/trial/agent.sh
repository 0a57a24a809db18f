#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: agent.sh DIRECTORY PROBE COMMAND MODULE...
#
# Runs in a guest without Python: load modules in this order, use and unload them.
# PROBE is the program of the probe, or empty; COMMAND a shell command, or empty. Each
# line of the output is an event: its name, a module, a status and a text, separated by
# tabs. A step that begins has the event "begin", for a guest that hangs in it.

directory=$1
probe=$2
command=$3
shift 3
loaded=

# event NAME MODULE STATUS TEXT
event()
{
	printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(printf '%s' "$4" | tr '\t\n' '  ')"
}

devices()
{
	find /dev -type c | grep -v '^/dev/pts/' | sort
}

name_of()
{
	basename "$1" .ko | tr - _
}

before=$(devices)
for module; do
	name=$(name_of "$module")
	event begin "$name" 0 loads
	echo "workbench: try: load $name" >/dev/kmsg
	text=$(insmod "$module" 2>&1)
	status=$?
	event loads "$name" $status "$text"
	[ $status -eq 0 ] || break
	loaded="$name $loaded"
done

last=${loaded%% *}
if [ -n "$loaded" ] && [ -n "$probe" ]; then
	for device in $(devices); do
		case "
$before
" in
		*"
$device
"*) continue ;;
		esac
		event begin "$last" 0 tests
		echo "workbench: try: probe $device" >/dev/kmsg
		# shellcheck disable=SC2086 # a list of words
		"$probe" "$device" $loaded >/run/probe 2>&1
		status=$?
		findings=$(grep -c '^finding' /run/probe)
		event tests "$last" $((status + findings)) "$device: $(grep '^finding' /run/probe)"
	done
fi
if [ -n "$loaded" ] && [ -n "$command" ]; then
	event begin "$last" 0 tests
	echo "workbench: try: command" >/dev/kmsg
	cd "$directory" || exit 1
	text=$(sh -c "$command" 2>&1)
	event tests "$last" $? "$text"
	cd /
fi

for name in $loaded; do
	event begin "$name" 0 unloads
	echo "workbench: try: unload $name" >/dev/kmsg
	text=$(rmmod "$name" 2>&1)
	event unloads "$name" $? "$text"
done
