#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # expect calls the functions
#
# The function graph tracer on the functions of lkmdemo: the calls in an open, a write
# and a read.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

ktap_set_plan 4

# A buffer of its own leaves the settings of others alone.
tracing=/sys/kernel/tracing/instances/lkmdemo_selftest

tracer_missing()
{
	grep -qsw function_graph /sys/kernel/tracing/available_tracers ||
		echo 'requires CONFIG_FUNCTION_GRAPH_TRACER'
}

# The kernel marks the functions of a module alone.
reason=$({
	root_missing
	mount_missing tracefs /sys/kernel/tracing
	tracer_missing
	modules_unusable lkmdemo
} | head -n 1)

remove_instance()
{
	[ ! -d "$tracing" ] || rmdir "$tracing"
	clean_up
}

trap remove_instance EXIT

if [ -z "$reason" ]; then
	fresh_device exclusive=Y
	# A run that was killed leaves it.
	[ ! -d $tracing ] || rmdir $tracing
	mkdir $tracing || ktap_exit_fail_msg "cannot create $tracing"
	echo ':mod:lkmdemo' >$tracing/set_ftrace_filter
fi

functions_of_others()
{
	grep -v '\[lkmdemo\]$' "$tracing/set_ftrace_filter"
}

expect 'function_graph.is_limited_to_the_module' '' functions_of_others

[ -n "$reason" ] || reason=$(release_before 6 11 'the function graph tracer in an instance')

# A compiler may inline the helpers within a file, and a page may not be resident.
if [ -z "$reason" ]; then
	for helper in lkmdemo_claim lkmdemo_do_open lkmdemo_fault_in lkmdemo_is_exclusive \
		      lkmdemo_message_copy lkmdemo_message_copy_in lkmdemo_message_fill \
		      lkmdemo_message_flush lkmdemo_message_flush_page lkmdemo_message_get \
		      lkmdemo_message_read_again lkmdemo_message_store; do
		echo "!$helper" >>$tracing/set_ftrace_filter 2>/dev/null
	done

	echo function_graph >$tracing/current_tracer
	printf 'four' >/dev/lkmdemo
	head -c 4 /dev/lkmdemo >/dev/null
	cat $tracing/trace >"$out/trace"
	echo nop >$tracing/current_tracer
fi

# calls FUNCTION: its first call with the calls in it, without the times.
calls()
{
	sed -n 's/^[^#].*|  \( *[a-z_]*\) \[lkmdemo\](/\1(/p; s/^[^#].*|  \( *}\)$/\1/p' \
	    "$out/trace" |
	sed -n "/^$1()/,\${p; /^}/q; /^[a-z_]*();/q}"
}

expect 'function_graph.an_open_that_truncates_clears_the_message' \
'lkmdemo_open() {
  lkmdemo_message_clear() {
    lkmdemo_nl_notify();
  }
  lkmdemo_message_info();
}' \
	calls lkmdemo_open

expect 'function_graph.a_write_stores_and_notifies' \
'lkmdemo_write_iter() {
  lkmdemo_message_write() {
    lkmdemo_nl_notify();
  }
}' \
	calls lkmdemo_write_iter

expect 'function_graph.a_read_copies' \
'lkmdemo_read_iter() {
  lkmdemo_message_read();
}' \
	calls lkmdemo_read_iter

finish
