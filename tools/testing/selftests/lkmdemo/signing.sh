#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Modules with a signature, with none, and damaged after they were signed. Has the
# kernel insist on signatures, which it then does until the next boot: this is the
# last program of a run.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

enforce=/sys/module/module/parameters/sig_enforce
[ -e "$enforce" ] || skip_all 'needs CONFIG_MODULE_SIG'
[ -d "$test_modules/signed" ] || skip_all 'no module was signed: KDIR had no key'
[ "$(cat $enforce)" = N ] || skip_all 'the kernel insists on signatures already'

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

ktap_set_plan 12

client=lkmdemo_test_client
signed=$test_modules/signed/$client.ko
unsigned=$test_modules/$client.ko
damaged=$out/$client.ko
LC_ALL=C sed 's/Out-of-tree client/Out-of-tree cliemt/' "$signed" >"$damaged"

modprobe -r lkmdemo_inc lkmdemo_dec lkmdemo lkmdemo_counter
modprobe lkmdemo_counter || ktap_exit_fail_msg 'cannot load lkmdemo_counter'

# What insmod says and, in a second line, the letters that show in /proc/modules.
load()
{
	says insmod "$1"
	sed -n "s/^$client .*(\([A-Z]*\))$/\1/p" /proc/modules
	[ ! -e /sys/module/$client ] || rmmod $client
}

rejected()
{
	echo "insmod: ERROR: could not insert module $1: Key was rejected by service"
	echo 'exit status 1'
}

# What the kernel has logged since the mark.
log()
{
	dmesg | sed -n "/lkmdemo: log $1\$/,\$p" | sed '1d; s/^\[[^]]*\] //'
}

expect 'signing.signed_module_taints_with_an_o_alone' 'O' "$(load "$signed")"
expect 'signing.unsigned_module_taints_with_an_e' 'OE' "$(load "$unsigned")"
expect 'signing.damaged_module_is_rejected' "$(rejected "$damaged")" "$(load "$damaged")"

expect 'signing.module_of_the_tree_has_no_taint' '' \
	"$(tr -d '\n' </sys/module/lkmdemo_counter/taint)"

echo 1 >$enforce
expect 'signing.can_be_insisted_on' 'Y' "$(cat $enforce)"
expect 'signing.can_not_be_done_without_again' 'refused' \
	"$( (echo 0 >$enforce) 2>/dev/null || echo refused)"

echo 'lkmdemo: log signed' >/dev/kmsg
expect 'signing.signed_module_loads_when_insisted_on' 'O' "$(load "$signed")"
expect 'signing.signed_module_is_not_worth_a_line_in_the_log' '' "$(log signed)"

echo 'lkmdemo: log unsigned' >/dev/kmsg
expect 'signing.unsigned_module_is_rejected_when_insisted_on' \
	"$(rejected "$unsigned")" "$(load "$unsigned")"
expect 'signing.unsigned_module_is_called_so_in_the_log' \
	'Loading of unsigned module is rejected' "$(log unsigned)"

expect 'signing.damaged_module_is_rejected_when_insisted_on' \
	"$(rejected "$damaged")" "$(load "$damaged")"

modprobe lkmdemo
expect 'signing.module_of_the_tree_loads_when_insisted_on' 'lkmdemo' \
	"$(sed -n 's/^\(lkmdemo\) .*/\1/p' /proc/modules)"
modprobe -r lkmdemo

ktap_finished
