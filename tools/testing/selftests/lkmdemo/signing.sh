#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # expect calls the functions
#
# Modules with a signature, without one, and damaged after they were signed. Makes the
# kernel refuse modules without a signature, which it then does until the next boot, so
# a run of all tests leaves this program out.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

ktap_set_plan 12

enforce=/sys/module/module/parameters/sig_enforce
client=lkmdemo_test_client
signed=$test_modules/signed/$client.ko
unsigned=$test_modules/$client.ko
damaged=$out/$client.ko

signatures_unusable()
{
	if [ ! -e $enforce ]; then
		echo 'requires CONFIG_MODULE_SIG'
	elif [ "$(cat $enforce)" = Y ]; then
		echo 'the kernel refuses modules without a signature already'
	elif [ ! -e "$signed" ]; then
		echo 'no module was signed for the tests: KDIR lacks the key'
	elif [ "$(cat /sys/module/printk/parameters/devkmsg 2>/dev/null)" = off ] ||
	     [ "$(cat /proc/sys/kernel/printk_devkmsg 2>/dev/null)" = off ]; then
		echo 'kernel.printk_devkmsg is off'
	fi
}

reason=$({
	modules_unusable lkmdemo_counter lkmdemo
	test_modules_missing
	signatures_unusable
} | head -n 1)

if [ -z "$reason" ]; then
	sed 's/Out-of-tree client/Out-of-tree cliemt/' "$signed" >"$damaged"
	unload_all
	modprobe lkmdemo_counter || ktap_exit_fail_msg 'cannot load lkmdemo_counter'
fi

# The messages of insmod and, in a second line, the letters in /proc/modules.
load()
{
	says insmod "$1"
	sed -n "s/^$client .*(\([A-Z]*\))$/\1/p" /proc/modules
	[ ! -e "/sys/module/$client" ] || rmmod "$client"
}

rejected()
{
	echo "insmod: ERROR: could not insert module $1: Key was rejected by service"
	echo 'exit status 1'
}

# logged FILE: the lines that the kernel logs at the load of a module.
logged()
{
	echo "lkmdemo: load of $1" >/dev/kmsg
	load "$1" >/dev/null
	dmesg | sed -n "\\,lkmdemo: load of $1\$,,\$p" | sed '1d; s/^\[[^]]*\] //'
}

expect 'signing.signed_module_taints_with_an_o_alone' 'O' load "$signed"
expect 'signing.unsigned_module_taints_with_an_e' 'OE' load "$unsigned"
expect 'signing.damaged_module_is_rejected' "$(rejected "$damaged")" load "$damaged"

expect 'signing.module_of_the_tree_has_no_taint' '' cat /sys/module/lkmdemo_counter/taint

[ -n "$reason" ] || echo 1 >$enforce
expect 'signing.can_be_enforced' 'Y' cat $enforce

enforce_no_more()
{
	(echo 0 >"$enforce") 2>/dev/null || echo refused
}

expect 'signing.cannot_be_disabled_once_enforced' 'refused' enforce_no_more

expect 'signing.signed_module_loads_when_enforced' 'O' load "$signed"
expect 'signing.signed_module_logs_no_line' '' logged "$signed"

expect 'signing.unsigned_module_is_rejected_when_enforced' \
	"$(rejected "$unsigned")" load "$unsigned"
expect 'signing.unsigned_module_is_logged' \
	'Loading of unsigned module is rejected' logged "$unsigned"

expect 'signing.damaged_module_is_rejected_when_enforced' \
	"$(rejected "$damaged")" load "$damaged"

device_loads()
{
	modprobe lkmdemo
	sed -n 's/^\(lkmdemo\) .*/\1/p' /proc/modules
}

expect 'signing.module_of_the_tree_loads_when_enforced' 'lkmdemo' device_loads

finish
