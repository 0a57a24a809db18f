#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the files of the modules say of them, and where they are.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

ktap_set_plan 10

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
directory=/lib/modules/$(uname -r)/kernel/drivers/misc/lkmdemo
modules='lkmdemo lkmdemo_counter lkmdemo_dec lkmdemo_hello lkmdemo_inc lkmdemo_pool'

# of FIELD: a line a module with its name and that, which each must have.
of()
{
	echo "$modules" | xargs modinfo -F "$1" >"$out/values"
	echo "$modules" | tr ' ' '\n' | paste -d '|' - "$out/values"
}

# same TEXT: the same for each module.
same()
{
	for module in $modules; do
		echo "$module|$1"
	done
}

expect 'modinfo.describes_each_module' "\
lkmdemo|Reference misc device that holds one message
lkmdemo_counter|Counters shared between the lkmdemo modules
lkmdemo_dec|Subtracts one from the shared lkmdemo counter at load
lkmdemo_hello|Lifecycle, parameters and log levels of a module
lkmdemo_inc|Adds one to the shared lkmdemo counter at load
lkmdemo_pool|Preallocated pool, compared with one allocation per item" \
"$(of description)"

expect 'modinfo.tells_the_author_of_each_module' \
	"$(same 'LKMDEMO maintainers <lkmdemo@example.org>')" "$(of author)"

expect 'modinfo.tells_the_license_of_each_module' "$(same GPL)" "$(of license)"

expect 'modinfo.tells_that_each_module_is_of_the_tree' "$(same Y)" "$(of intree)"

expect 'modinfo.tells_what_each_module_depends_on' "\
lkmdemo|lkmdemo_counter
lkmdemo_counter|
lkmdemo_dec|lkmdemo_counter
lkmdemo_hello|
lkmdemo_inc|lkmdemo_counter
lkmdemo_pool|" \
"$(of depends)"

expect 'modinfo.tells_the_version_of_hello' '1.0' "$(modinfo -F version lkmdemo_hello)"

# The release is the first word of it.
expect 'modinfo.tells_the_kernel_that_each_module_is_for' \
	"$(same "$(uname -r)")" "$(of vermagic | sed 's/ .*//')"

expect 'modinfo.tells_the_parameters_with_their_types' "\
capacity uint
greeting charp
exclusive bool
payload charp
value int
name charp
flag bool
inverted invbool
small short
usmall ushort
uvalue uint
big long
ubig ulong
text string
numbers array of int
percent uint
loglevels bool
shared s64
nr_items uint" \
"$(modinfo -p lkmdemo lkmdemo_hello lkmdemo_counter lkmdemo_pool | sed 's/:.*(/ /; s/)$//')"

expect 'modinfo.finds_each_module_in_the_directory_of_its_source' \
"$(for module in $modules; do
	echo "$module|$directory/$module.ko"
done)" \
"$(of filename)"

if [ -d "$test_modules" ]; then
	expect 'modinfo.tells_no_intree_of_a_module_out_of_tree' '' \
		"$(modinfo -F intree "$test_modules/lkmdemo_test_client.ko")"
else
	ktap_test_skip 'modinfo.tells_no_intree_of_a_module_out_of_tree'
fi

ktap_finished
