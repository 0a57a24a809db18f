# SPDX-License-Identifier: GPL-2.0-only
#
# Prints which case of KUnit did not end according to a kernel log, as a failure. A suite has
# an indentation of 4 columns, a case with parameters one of 8. The last line of KUnit is in
# the log only when the next one follows.

{
	sub(/^\[ *[0-9]+\.[0-9]+\](\[[^]]*\])? /, "")
	name = $NF
	is_end = $1 == "ok" || $1 " " $2 == "not ok"
	if (is_end)
		name = $1 == "ok" ? $3 : $4
}
/^    # Subtest: / { suite = name; last = single = "" }
/^        # Subtest: / { single = name }
/^    # [^ ]+: pass:[0-9]+ fail:/ { last = substr($2, 1, length($2) - 1); single = "" }
is_end && /^    [no]/ { last = name; single = "" }
is_end && /^[no]/ { suite = "" }
/^# [^ ]+: pass:[0-9]+ fail:/ { suite = "" }
END {
	if (!suite)
		exit
	printf "failed\tKUnit %s%s: did not end%s\t\n", suite, single ? "." single : "",
		last && !single ? "; the last result in its log is that of " last : ""
}
