#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # expect calls the functions
#
# The information that the files of the modules carry, and where the files are.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

ktap_set_plan 10

names=$(echo "$modules" | tr ' ' '\n' | sort)

# shellcheck disable=SC2086 # a list of words
modinfo $names >"$out/information" 2>/dev/null

# of FIELD: a line for each module, with its name and its field. The part of a module in
# the output of modinfo begins with its file, that of a module that is built in with its name.
of()
{
	awk -v field="$1:" '
		function begin(name_of_next) {
			if (name != "")
				print name "|" value
			name = name_of_next
			value = ""
		}
		$1 == "filename:" && $2 != "(builtin)" {
			file = $2
			gsub(/.*\/|\.ko.*/, "", file)
			begin(file)
		}
		$1 == "name:" && $2 != name { begin($2) }
		$1 == field { value = $0; sub(/^[a-z]*: */, "", value) }
		END { begin("") }' "$out/information"
}

# same TEXT: the same for each module.
same()
{
	for module in $names; do
		echo "$module|$1"
	done
}

# The first word of vermagic.
release_of()
{
	of vermagic | sed 's/ .*//'
}

# Without the suffix of a compressed file.
place_of()
{
	of filename | sed 's/\.ko\.[a-z]*$/.ko/'
}

parameters_of()
{
	modinfo -p lkmdemo lkmdemo_hello lkmdemo_counter lkmdemo_pool | sed 's/:.*(/ /; s/)$//'
}

places()
{
	for module in $names; do
		echo "$module|/lib/modules/$release/kernel/drivers/misc/lkmdemo/$module.ko"
	done
}

# The kernel has this for modules that are built in, too.
reason=$(kmod_missing)
# shellcheck disable=SC2086
missing_file=$(files_missing $names)
for module in $names; do
	[ -n "$reason" ] || [ -z "$missing_file" ] || [ -n "$(module_source "$module")" ] ||
		reason=$(files_missing "$module")
done

expect 'modinfo.describes_each_module' "\
lkmdemo|Reference misc device that holds one message
lkmdemo_counter|Counters shared between the lkmdemo modules
lkmdemo_dec|Subtracts one from the shared lkmdemo counter at load
lkmdemo_hello|Lifecycle, parameters and log levels of a module
lkmdemo_inc|Adds one to the shared lkmdemo counter at load
lkmdemo_pool|Preallocated pool, compared with one allocation per item" \
	of description

expect 'modinfo.shows_the_author_of_each_module' \
	"$(same 'LKMDEMO maintainers <lkmdemo@example.org>')" of author

expect 'modinfo.shows_the_license_of_each_module' "$(same GPL)" of license

expect 'modinfo.shows_the_version_of_hello' '1.0' modinfo -F version lkmdemo_hello

expect 'modinfo.lists_the_parameters_with_their_types' "\
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
	parameters_of

# The rest is in the file of a module alone.
[ -n "$reason" ] || reason=$missing_file

of_files=$reason
[ -n "$reason" ] || reason=$(in_tree_missing lkmdemo)
expect 'modinfo.marks_each_module_as_in_tree' "$(same Y)" of intree
reason=$of_files

expect 'modinfo.lists_the_dependencies_of_each_module' "\
lkmdemo|lkmdemo_counter
lkmdemo_counter|
lkmdemo_dec|lkmdemo_counter
lkmdemo_hello|
lkmdemo_inc|lkmdemo_counter
lkmdemo_pool|" \
	of depends

expect 'modinfo.shows_the_kernel_release_of_each_module' "$(same "$release")" release_of

[ -n "$reason" ] || reason=$(updates_present lkmdemo)
expect 'modinfo.finds_each_module_in_the_directory_of_its_source' "$(places)" place_of

reason=$({ kmod_missing; test_modules_missing; } | head -n 1)
expect 'modinfo.does_not_mark_a_module_out_of_tree' '' \
	modinfo -F intree "$test_modules/lkmdemo_test_client.ko"

finish
