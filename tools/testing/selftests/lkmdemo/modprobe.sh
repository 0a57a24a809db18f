#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# depmod and the commands that load and unload modules: what they need, what they
# do and what they say.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

out=$(mktemp -d)
release=$(uname -r)
directory=/lib/modules/$release/kernel/drivers/misc/lkmdemo

ktap_set_plan 22

unload_all()
{
	for module in lkmdemo_kunit lkmdemo_test_client lkmdemo_hello lkmdemo_pool lkmdemo \
		      lkmdemo_inc lkmdemo_dec lkmdemo_counter; do
		[ ! -e "/sys/module/$module" ] || rmmod "$module" || ktap_exit_fail_msg "$module"
	done
}

# Those of our modules that are loaded, by their names.
loaded()
{
	sed -n 's/^\(lkmdemo[a-z_]*\) .*/\1/p' /proc/modules | grep -v forever | sort | tr '\n' ' '
}

value()
{
	cat /sys/module/lkmdemo_hello/parameters/value
}

found=$(loaded)
trap 'unload_all; [ -z "$found" ] || modprobe -a $found; rm -rf "$out"' EXIT
unload_all

# depmod, on a copy of the modules and one that was built out of tree.
copy=$out/root/lib/modules/$release
mkdir -p "$copy/kernel/drivers/misc" "$copy/updates"
cp -r "$directory" "$copy/kernel/drivers/misc"
cp "/lib/modules/$release/modules.order" "/lib/modules/$release"/modules.builtin* "$copy"
if [ -d "$test_modules" ]; then
	cp "$test_modules/lkmdemo_test_client.ko" "$copy/updates"
fi
depmod -b "$out/root" "$release"

expect 'depmod.finds_what_each_module_needs' "\
kernel/drivers/misc/lkmdemo/lkmdemo.ko: kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko
kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko:
kernel/drivers/misc/lkmdemo/lkmdemo_dec.ko: kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko
kernel/drivers/misc/lkmdemo/lkmdemo_hello.ko:
kernel/drivers/misc/lkmdemo/lkmdemo_inc.ko: kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko
kernel/drivers/misc/lkmdemo/lkmdemo_pool.ko:" \
"$(grep '^kernel/' "$copy/modules.dep" | sort)"

expect 'depmod.finds_who_exports_a_symbol' "\
alias symbol:lkmdemo_counter_add lkmdemo_counter
alias symbol:lkmdemo_counter_read lkmdemo_counter
alias symbol:lkmdemo_register_notifier lkmdemo_counter
alias symbol:lkmdemo_unregister_notifier lkmdemo_counter" \
"$(grep ' lkmdemo_counter$' "$copy/modules.symbols" | sort)"

# A dynamic minor number is known to nobody before the module is loaded.
expect 'depmod.finds_no_node_for_a_dynamic_minor' '' \
	"$(grep '^lkmdemo ' "$copy/modules.devname")"

if [ -d "$test_modules" ]; then
	expect 'depmod.finds_the_node_of_a_fixed_minor' \
		'lkmdemo_test_client lkmdemo-test c10:137' \
		"$(grep -v '^#' "$copy/modules.devname")"
	expect 'depmod.finds_the_aliases_of_a_module' "\
alias char-major-10-137 lkmdemo_test_client
alias devname:lkmdemo-test lkmdemo_test_client" \
		"$(grep lkmdemo "$copy/modules.alias" | sort)"
	expect 'depmod.finds_modules_under_updates' \
		'updates/lkmdemo_test_client.ko: kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko' \
		"$(grep '^updates/' "$copy/modules.dep")"
	modprobe -d "$out/root" char-major-10-137
	expect 'modprobe.loads_by_an_alias' 'lkmdemo_counter lkmdemo_test_client ' "$(loaded)"
	modprobe -d "$out/root" -r lkmdemo_test_client

	LC_ALL=C sed 's/mod_unload /mod_unlace /' "$test_modules/lkmdemo_test_client.ko" \
		>"$out/lkmdemo_test_client.ko"
	expect 'insmod.of_another_kernel_is_an_invalid_format' "\
insmod: ERROR: could not insert module $out/lkmdemo_test_client.ko: Invalid module format
exit status 1" \
		"$(modprobe lkmdemo_counter; says insmod "$out/lkmdemo_test_client.ko")"
	unload_all
else
	for name in depmod.finds_the_node_of_a_fixed_minor depmod.finds_the_aliases_of_a_module \
		    depmod.finds_modules_under_updates modprobe.loads_by_an_alias \
		    insmod.of_another_kernel_is_an_invalid_format; do
		ktap_test_skip "$name"
	done
fi

modprobe lkmdemo_inc
expect 'modprobe.brings_what_a_module_needs' 'lkmdemo_counter lkmdemo_inc ' "$(loaded)"

expect 'lsmod.tells_the_size_and_the_users' \
	"lkmdemo_counter $(cat /sys/module/lkmdemo_counter/coresize) 1 lkmdemo_inc" \
	"$(lsmod | sed -n '/^lkmdemo_counter /s/  */ /gp')"

expect 'rmmod.of_a_module_in_use_names_the_user' "\
rmmod: ERROR: Module lkmdemo_counter is in use by: lkmdemo_inc
exit status 1" \
	"$(says rmmod lkmdemo_counter)"

expect 'modprobe.does_not_take_a_module_in_use' "\
modprobe: FATAL: Module lkmdemo_counter is in use.
exit status 1" \
	"$(says modprobe -r lkmdemo_counter)"

modprobe -r lkmdemo_inc
expect 'modprobe.takes_what_nobody_needs_any_more' '' "$(loaded)"

modprobe lkmdemo_inc && modprobe lkmdemo_dec && modprobe -r lkmdemo_inc
expect 'modprobe.leaves_what_another_needs' 'lkmdemo_counter lkmdemo_dec ' "$(loaded)"
modprobe -r lkmdemo_dec

# No reboot is needed: close the file, and the next rmmod takes the module.
modprobe lkmdemo
exec 3</dev/lkmdemo
expect 'rmmod.of_an_open_device_is_in_use' "\
rmmod: ERROR: Module lkmdemo is in use
exit status 1" \
	"$(says rmmod lkmdemo)"
exec 3<&-
expect 'rmmod.works_once_the_device_is_closed' '' "$(says rmmod lkmdemo)"
unload_all

expect 'insmod.before_the_exporter_is_an_unknown_symbol' "\
insmod: ERROR: could not insert module $directory/lkmdemo_inc.ko: Unknown symbol in module
exit status 1" \
	"$(says insmod "$directory/lkmdemo_inc.ko")"

modprobe lkmdemo_hello value=7
expect 'modprobe.takes_parameters' '7' "$(value)"
unload_all

mkdir "$out/modprobe.d"
echo 'options lkmdemo_hello value=8' >"$out/modprobe.d/lkmdemo.conf"
modprobe -C "$out/modprobe.d" lkmdemo_hello
expect 'modprobe.takes_options_from_its_directory' '8' "$(value)"
unload_all

modprobe -C "$out/modprobe.d" lkmdemo_hello value=9
expect 'modprobe.lets_a_parameter_win_over_an_option' '9' "$(value)"
unload_all

# The guest has been booted without it, so it gets a command line to look at.
echo "$(cat /proc/cmdline) lkmdemo_hello.value=10" >"$out/cmdline"
unshare -m sh -c "mount --bind '$out/cmdline' /proc/cmdline && modprobe lkmdemo_hello"
expect 'modprobe.takes_options_from_the_kernel_command_line' '10' "$(value)"
unload_all

expect 'modprobe.of_a_bad_value_is_an_invalid_argument' "\
modprobe: ERROR: could not insert 'lkmdemo_hello': Invalid argument
exit status 1" \
	"$(says modprobe lkmdemo_hello percent=101)"

ktap_finished
