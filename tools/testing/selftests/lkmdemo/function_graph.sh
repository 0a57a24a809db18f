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

# Helpers within a file, which a compiler may inline, need not be there.
for helper in 'message_*' 'file_*' lkmdemo_claim; do
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
'lkmdemo_write() {
  lkmdemo_message_write_user() {
    lkmdemo_nl_notify();
  }
}' "$(calls lkmdemo_write)"
expect 'function_graph.a_read_copies' \
'lkmdemo_read() {
  lkmdemo_message_read_user();
}' "$(calls lkmdemo_read)"

ktap_finished
