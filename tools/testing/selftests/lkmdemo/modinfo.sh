#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the files of the modules say of them, and where they are.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

ktap_set_plan 8

directory=/lib/modules/$(uname -r)/kernel/drivers/misc/lkmdemo
modules='lkmdemo lkmdemo_counter lkmdemo_dec lkmdemo_hello lkmdemo_inc lkmdemo_pool'

# of FIELD...: a line a module, its name and its fields.
of()
{
	for module in $modules; do
		printf '%s' "$module"
		for field; do
			printf '|%s' "$(modinfo -F "$field" "$module")"
		done
		echo
	done
}

# The parameters of a module, a line each: name and type, in its order.
parameters()
{
	modinfo -p "$1" | sed 's/:.*(/ /; s/)$//'
}

expect 'modinfo.describes_each_module' "\
lkmdemo|Reference misc device holding one message
lkmdemo_counter|Counters shared between the lkmdemo modules
lkmdemo_dec|Takes one from the shared lkmdemo counter when it loads
lkmdemo_hello|A module's life cycle, parameters and log levels
lkmdemo_inc|Adds one to the shared lkmdemo counter when it loads
lkmdemo_pool|A preallocated pool on a list, against one allocation per item" \
"$(of description)"

expect 'modinfo.tells_author_and_license_of_each_module' \
"$(for module in $modules; do
	echo "$module|LKMDEMO maintainers <lkmdemo@example.org>|GPL"
done)" \
"$(of author license)"

expect 'modinfo.tells_what_each_module_depends_on' "\
lkmdemo|lkmdemo_counter|Y
lkmdemo_counter||Y
lkmdemo_dec|lkmdemo_counter|Y
lkmdemo_hello||Y
lkmdemo_inc|lkmdemo_counter|Y
lkmdemo_pool||Y" \
"$(of depends intree)"

expect 'modinfo.tells_the_version_of_hello' '1.0' "$(modinfo -F version lkmdemo_hello)"

# The release is the first word of it.
expect 'modinfo.tells_the_kernel_that_each_module_is_for' \
"$(for module in $modules; do
	echo "$module|$(uname -r)"
done)" \
"$(of vermagic | sed 's/ .*//')"

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
"$(for module in lkmdemo lkmdemo_hello lkmdemo_counter lkmdemo_pool; do
	parameters "$module"
done)"

expect 'modinfo.finds_the_modules_of_the_tree_in_its_directories' \
"$(for module in $modules; do
	echo "$module|$directory/$module.ko"
done)" \
"$(of filename)"

if [ -d "$test_modules" ]; then
	expect 'modinfo.tells_no_intree_of_a_module_out_of_tree' 'lkmdemo_counter||GPL' \
	"$(for field in depends intree license; do
		modinfo -F "$field" "$test_modules/lkmdemo_test_client.ko"
		[ $field = license ] || echo '|'
	done | tr -d '\n')"
else
	ktap_test_skip 'modinfo.tells_no_intree_of_a_module_out_of_tree'
fi

ktap_finished
