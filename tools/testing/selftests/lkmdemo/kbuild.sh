#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # expect calls the functions
#
# The build of the modules in test_modules out of tree. test_modules/build.sh made it
# together with the tests; this program inspects its records.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

ktap_set_plan 15

if [ -d "$test_modules" ]; then
	cd "$test_modules" || exit 1
else
	reason=$(test_modules_missing)
fi

# expect_from VERSION PATCHLEVEL FACT NAME TEXT COMMAND...: as expect, from this release on.
expect_from()
{
	before=$reason
	[ -n "$reason" ] || reason=$(release_before "$1" "$2" "$3")
	shift 3
	expect "$@"
	reason=$before
}

# status LOG...
status()
{
	for log; do
		tail -n 1 "$log.log"
	done
}

expect 'kbuild.modules_succeeds' 'exit status 0' status modules

expect_from 6 13 'short names in the output of a build' \
	'kbuild.modules_makes_a_module_of_one_file' '  CC [M]  lkmdemo_test_client.o' \
	grep ' lkmdemo_test_client\.o$' modules.log

objects_of_the_notifier()
{
	grep -e ' notifier_[a-z]*\.o$' -e ' lkmdemo_test_notifier\.o$' modules.log | sort
}

expect_from 6 13 'short names in the output of a build' \
	'kbuild.modules_makes_a_module_of_many_files' "\
  CC [M]  notifier_log.o
  CC [M]  notifier_main.o
  LD [M]  lkmdemo_test_notifier.o" \
	objects_of_the_notifier

# Without the suffixes of compressed files.
expect_from 6 3 'the default directory updates' 'kbuild.modules_install_puts_them_under_updates' "\
updates/lkmdemo_test_client.ko
updates/lkmdemo_test_closed.ko
updates/lkmdemo_test_family.ko
updates/lkmdemo_test_forever.ko
updates/lkmdemo_test_notifier.ko" \
	sed -n 's,^\./[^/]*/\(.*\.ko\)\(\.[a-z]*\)\?$,\1,p' installed.list

contains 'kbuild.modules_install_runs_depmod' '/modules\.dep$' installed.list

expect 'kbuild.clean_leaves_the_sources_alone' '' diff sources.list clean.list

contains 'kbuild.help_describes_external_modules' 'Syntax: make -C path/to/kernel/src M=' help.log

goals()
{
	sed -n 's/^  \(modules\|modules_install\|clean\)  *- .*/\1/p' help.log
}

expect 'kbuild.help_lists_the_goals' "\
modules
modules_install
clean" \
	goals

# Without the checksums, which are 0 unless CONFIG_MODVERSIONS is set.
exports()
{
	cut -f 2,4 symvers.list | tr '\t' ' ' | sort
}

expect 'kbuild.symvers_lists_each_export_with_its_type' "\
lkmdemo_counter_add EXPORT_SYMBOL_GPL
lkmdemo_counter_read EXPORT_SYMBOL
lkmdemo_register_notifier EXPORT_SYMBOL_GPL
lkmdemo_unregister_notifier EXPORT_SYMBOL_GPL" \
	exports

version_code()
{
	echo $(($(sed -n 2p version.list)))
}

expect 'kbuild.version_code_is_kernel_version_of_the_release' \
	"$(sed -n 1p version.list 2>/dev/null)" version_code

expect 'kbuild.refused_builds_fail' "\
exit status 2
exit status 2" \
	status refused borrower

contains 'kbuild.floating_point_is_refused' \
	'lkmdemo_test_float\.c:[0-9:]* error: .*\(SSE\|x87\|float\)' refused.log

before=$reason
[ -n "$reason" ] || reason=$(release_before 6 6 linux/sprintf.h)
contains 'kbuild.stack_frame_over_1024_bytes_is_refused' \
	'lkmdemo_test_frame\.c:[0-9:]* error: .*frame size .*1024' refused.log
reason=$before

contains 'kbuild.gpl_only_symbol_without_the_licence_is_refused' \
	"GPL-incompatible module.* uses GPL-only symbol 'lkmdemo_counter_add" \
	borrower.log

# A build is not always for the kernel that runs.
reason=$(test_modules_missing)
expect 'kbuild.uts_release_is_what_uname_says' "\"$release\"" sed -n 3p version.list

finish
