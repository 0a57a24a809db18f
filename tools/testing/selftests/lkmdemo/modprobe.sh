#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # expect calls the functions
#
# depmod and the commands that load and unload modules: their dependencies, effects
# and messages.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

ktap_set_plan 22

# The names of the loaded modules in one line, sorted. A module that is built in lacks the file.
loaded_names()
{
	for file in /sys/module/lkmdemo*/initstate; do
		file=${file%/initstate}
		case $file in
		*'*' | *forever*) ;;
		*) printf '%s ' "${file##*/}" ;;
		esac
	done
}

# after COMMAND...: the modules that are loaded after the command.
after()
{
	"$@"
	loaded_names
}

# depmod, on a copy of the modules and one that was built out of tree.
copy=$out/root/lib/modules/$release
client=$test_modules/lkmdemo_test_client.ko

# shellcheck disable=SC2086 # a list of words
reason=$({ kmod_missing; files_missing $modules; } | head -n 1)
if [ -z "$reason" ]; then
	mkdir -p "$copy/updates" "$copy/kernel/drivers/misc/lkmdemo"
	# shellcheck disable=SC2046,SC2086
	cp $(modinfo -n $modules) "$copy/kernel/drivers/misc/lkmdemo"
	for index in modules.order modules.builtin modules.builtin.modinfo; do
		[ ! -e "/lib/modules/$release/$index" ] ||
			cp "/lib/modules/$release/$index" "$copy"
	done
	[ -n "$(test_modules_missing)" ] || cp "$client" "$copy/updates"
	depmod -b "$out/root" "$release"
fi

# index FILE REGEX: the lines of an index that match, without suffixes of compression.
index()
{
	sed -n "\\|$2|{s/\\(\\.ko\\)\\.[a-z]*/\\1/g;p;}" "$copy/$1" | sort
}

expect 'depmod.finds_the_dependencies_of_each_module' "\
kernel/drivers/misc/lkmdemo/lkmdemo.ko: kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko
kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko:
kernel/drivers/misc/lkmdemo/lkmdemo_dec.ko: kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko
kernel/drivers/misc/lkmdemo/lkmdemo_hello.ko:
kernel/drivers/misc/lkmdemo/lkmdemo_inc.ko: kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko
kernel/drivers/misc/lkmdemo/lkmdemo_pool.ko:" \
	index modules.dep '^kernel/'

expect 'depmod.finds_the_exporter_of_a_symbol' "\
alias symbol:lkmdemo_counter_add lkmdemo_counter
alias symbol:lkmdemo_counter_read lkmdemo_counter
alias symbol:lkmdemo_register_notifier lkmdemo_counter
alias symbol:lkmdemo_unregister_notifier lkmdemo_counter" \
	index modules.symbols ' lkmdemo_counter$'

# A dynamic minor number is not known before the module is loaded.
expect 'depmod.finds_no_node_for_a_dynamic_minor' '' index modules.devname '^lkmdemo '

[ -n "$reason" ] || reason=$(test_modules_missing)
expect 'depmod.finds_the_node_of_a_fixed_minor' 'lkmdemo_test_client lkmdemo-test c10:137' \
	index modules.devname '^[^#]'

expect 'depmod.finds_the_aliases_of_a_module' "\
alias char-major-10-137 lkmdemo_test_client
alias devname:lkmdemo-test lkmdemo_test_client" \
	index modules.alias lkmdemo

expect 'depmod.finds_modules_under_updates' \
	'updates/lkmdemo_test_client.ko: kernel/drivers/misc/lkmdemo/lkmdemo_counter.ko' \
	index modules.dep '^updates/'

# shellcheck disable=SC2086
unusable=$(modules_unusable $modules)
[ -n "$unusable" ] || unload_all

# As the modules of the driver, but without a signature.
reason=$unusable
[ -n "$reason" ] || reason=$(test_modules_missing)
if [ -z "$reason" ]; then
	modprobe lkmdemo_counter
	reason=$(refusal "$client")
	unload_all
fi

expect 'modprobe.loads_by_an_alias' 'lkmdemo_counter lkmdemo_test_client ' \
	after modprobe -d "$out/root" char-major-10-137
[ -n "$reason" ] || unload_all

insmod_of_another_kernel()
{
	sed 's/mod_unload /mod_unlace /' "$client" >"$out/lkmdemo_test_client.ko"
	modprobe lkmdemo_counter
	says insmod "$out/lkmdemo_test_client.ko"
}

expect 'insmod.of_another_kernel_is_an_invalid_format' "\
insmod: ERROR: could not insert module $out/lkmdemo_test_client.ko: Invalid module format
exit status 1" \
	insmod_of_another_kernel
[ -n "$reason" ] || unload_all

reason=$unusable
expect 'modprobe.loads_the_dependencies_of_a_module' 'lkmdemo_counter lkmdemo_inc ' \
	after modprobe lkmdemo_inc

# The size is the same that sysfs shows.
lsmod_of_the_exporter()
{
	size=$(cat /sys/module/lkmdemo_counter/coresize)
	lsmod | sed -n "/^lkmdemo_counter /s/  */ /gp" | sed "s/ $size / SIZE /"
}

expect 'lsmod.shows_the_size_and_the_users' 'lkmdemo_counter SIZE 1 lkmdemo_inc' \
	lsmod_of_the_exporter

expect 'rmmod.of_a_module_in_use_names_the_user' "\
rmmod: ERROR: Module lkmdemo_counter is in use by: lkmdemo_inc
exit status 1" \
	says rmmod lkmdemo_counter

expect 'modprobe.does_not_remove_a_module_in_use' "\
modprobe: FATAL: Module lkmdemo_counter is in use.
exit status 1" \
	says modprobe -r lkmdemo_counter

expect 'modprobe.removes_unused_dependencies' '' after modprobe -r lkmdemo_inc

inc_and_dec_without_inc()
{
	modprobe lkmdemo_inc
	modprobe lkmdemo_dec
	modprobe -r lkmdemo_inc
}

expect 'modprobe.keeps_the_dependencies_of_other_modules' 'lkmdemo_counter lkmdemo_dec ' \
	after inc_and_dec_without_inc
[ -n "$reason" ] || unload_all

# No reboot is required: once the file is closed, the module can be unloaded.
rmmod_while_open()
{
	modprobe lkmdemo
	exec 3</dev/lkmdemo
	says rmmod lkmdemo
}

expect 'rmmod.of_an_open_device_is_in_use' "\
rmmod: ERROR: Module lkmdemo is in use
exit status 1" \
	rmmod_while_open
expect 'rmmod.works_once_the_device_is_closed' '' says rmmod lkmdemo
[ -n "$reason" ] || unload_all

inc=$(modinfo -n lkmdemo_inc 2>/dev/null)
expect 'insmod.before_the_exporter_is_an_unknown_symbol' "\
insmod: ERROR: could not insert module $inc: Unknown symbol in module
exit status 1" \
	says insmod "$inc"

# hello ARGUMENT...: the value of a parameter after modprobe with these arguments.
hello()
{
	modprobe "$@"
	cat /sys/module/lkmdemo_hello/parameters/value
	unload_all
}

mkdir "$out/modprobe.d"
echo 'options lkmdemo_hello value=8' >"$out/modprobe.d/lkmdemo.conf"

expect 'modprobe.takes_parameters' '7' hello lkmdemo_hello value=7
expect 'modprobe.reads_options_from_its_directory' '8' hello -C "$out/modprobe.d" lkmdemo_hello
expect 'modprobe.prefers_a_parameter_to_an_option' '9' \
	hello -C "$out/modprobe.d" lkmdemo_hello value=9

# The machine was booted without the option, so modprobe sees another command line.
hello_of_the_command_line()
{
	echo "$(cat /proc/cmdline) lkmdemo_hello.value=10" >"$out/cmdline"
	unshare -m sh -c "mount --bind '$out/cmdline' /proc/cmdline && modprobe lkmdemo_hello"
	cat /sys/module/lkmdemo_hello/parameters/value
	unload_all
}

expect 'modprobe.reads_options_from_the_kernel_command_line' '10' hello_of_the_command_line

expect 'modprobe.of_a_bad_value_is_an_invalid_argument' "\
modprobe: ERROR: could not insert 'lkmdemo_hello': Invalid argument
exit status 1" \
	says modprobe lkmdemo_hello percent=101

finish
