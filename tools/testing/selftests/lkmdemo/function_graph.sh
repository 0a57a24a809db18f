#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The function graph tracer on the functions of lkmdemo: what an open, a write and
# a read call.

dir=$(dirname "$(readlink -f "$0")")
[ -r "$dir/commands.sh" ] || exit 1
. "$dir/commands.sh"

tracing=/sys/kernel/tracing
grep -qsw function_graph $tracing/available_tracers ||
	skip_all 'the kernel has no function graph tracer'

ktap_set_plan 4

out=$(mktemp -d)
trap 'echo nop >"$tracing/current_tracer"; : >"$tracing/set_ftrace_filter"
      modprobe -r lkmdemo; rm -rf "$out"' EXIT

modprobe -r lkmdemo
modprobe lkmdemo || ktap_exit_fail_msg 'cannot load lkmdemo'

echo ':mod:lkmdemo' >$tracing/set_ftrace_filter
expect 'function_graph.is_limited_to_the_module' '' \
       "$(grep -v '\[lkmdemo\]$' $tracing/set_ftrace_filter)"

# A compiler may inline these functions.
for helper in lkmdemo_claim lkmdemo_do_open lkmdemo_is_exclusive \
	      lkmdemo_message_copy lkmdemo_message_copy_in lkmdemo_message_fill \
	      lkmdemo_message_flush lkmdemo_message_get lkmdemo_message_store; do
	echo "!$helper" >>$tracing/set_ftrace_filter 2>/dev/null
done

echo function_graph >$tracing/current_tracer
printf 'four' >/dev/lkmdemo
head -c 4 /dev/lkmdemo >/dev/null
cat $tracing/trace >"$out/trace"

# calls FUNCTION: its first call and what that called, without the times.
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
}' "$(calls lkmdemo_open)"
expect 'function_graph.a_write_stores_and_tells' \
'lkmdemo_write_iter() {
  lkmdemo_message_write() {
    lkmdemo_nl_notify();
  }
}' "$(calls lkmdemo_write_iter)"
expect 'function_graph.a_read_copies' \
'lkmdemo_read_iter() {
  lkmdemo_message_read();
}' "$(calls lkmdemo_read_iter)"

ktap_finished
