#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What became of the modules in test_modules when they were built out of tree. They
# were built with the tests, by test_modules/build.sh; this looks at its records.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

[ -d "$test_modules" ] || skip_all 'no modules were built: KDIR had no built kernel'
cd "$test_modules" || exit 1

ktap_set_plan 15

status()
{
	tail -n 1 "$1.log"
}

# has NAME LOG REGEX: passes if a line of the log is like that.
has()
{
	if grep -q "$3" "$2"; then
		ktap_test_pass "$1"
	else
		sed 's/^/# /' "$2"
		ktap_test_fail "$1"
	fi
}

expect 'kbuild.modules_succeeds' 'exit status 0' "$(status modules)"

expect 'kbuild.modules_makes_a_module_of_one_file' \
	'  CC [M]  lkmdemo_test_client.o' "$(grep ' lkmdemo_test_client\.o$' modules.log)"

expect 'kbuild.modules_makes_a_module_of_many_files' "\
  CC [M]  notifier_log.o
  CC [M]  notifier_main.o
  LD [M]  lkmdemo_test_notifier.o" \
	"$(grep -e ' notifier_[a-z]*\.o$' -e ' lkmdemo_test_notifier\.o$' modules.log | sort)"

expect 'kbuild.modules_install_puts_them_under_updates' "\
updates/lkmdemo_test_client.ko
updates/lkmdemo_test_closed.ko
updates/lkmdemo_test_forever.ko
updates/lkmdemo_test_notifier.ko" \
	"$(sed -n 's,^\./[^/]*/\(.*\.ko\)$,\1,p' installed.list)"

has 'kbuild.modules_install_runs_depmod' installed.list '/modules\.dep$'

expect 'kbuild.clean_leaves_the_sources_alone' "$(cat sources.list)" "$(cat clean.list)"

has 'kbuild.help_tells_of_external_modules' help.log 'Syntax: make -C path/to/kernel/src M='

expect 'kbuild.help_tells_the_goals' 'modules modules_install clean' \
	"$(sed -n 's/^  \(modules\|modules_install\|clean\)  *- .*/\1/p' help.log | tr '\n' ' ' |
	   sed 's/ $//')"

# Without the checksums, which are 0 unless CONFIG_MODVERSIONS is there.
expect 'kbuild.symvers_tells_the_exports_and_who_may_use_them' "\
lkmdemo_counter_add EXPORT_SYMBOL_GPL
lkmdemo_counter_read EXPORT_SYMBOL
lkmdemo_register_notifier EXPORT_SYMBOL_GPL
lkmdemo_unregister_notifier EXPORT_SYMBOL_GPL" \
	"$(cut -f 2,4 symvers.list | tr '\t' ' ' | sort)"

expect 'kbuild.version_code_is_kernel_version_of_the_release' \
	"$(($(sed -n 2p version.list)))" "$(sed -n 1p version.list)"

expect 'kbuild.uts_release_is_what_uname_says' "\"$(uname -r)\"" "$(sed -n 3p version.list)"

expect 'kbuild.refused_builds_fail' 'exit status 2 exit status 2' \
	"$(status refused) $(status borrower)"

has 'kbuild.floating_point_is_refused' refused.log \
	'lkmdemo_test_float\.c:[0-9:]* error: .*\(SSE\|x87\|float\)'

has 'kbuild.stack_frame_over_1024_bytes_is_refused' refused.log \
	'lkmdemo_test_frame\.c:[0-9:]* error: .*frame size .*1024'

has 'kbuild.gpl_only_symbol_without_the_licence_is_refused' borrower.log \
	"lkmdemo_test_borrower.*GPL-incompatible module uses GPL-only symbol 'lkmdemo_counter_add'"

ktap_finished
