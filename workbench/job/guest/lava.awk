# SPDX-License-Identifier: GPL-2.0-only
#
# Passes on what tests print, with a signal of LAVA behind each result. Its name has the
# target, the program and the case of a kselftest, or "kunit", the suite and the case.
# A program has a result of its own if no case of it explains its status.
#
#	kind	"kselftest" or "kunit"

function signal(name, result) {
	gsub(/[^A-Za-z0-9_.-]+/, "_", name)
	print "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=" name " RESULT=" result ">"
}

# Sets "name" and returns the result of a line, "" if the line has none.
function parse(text,    failed, skipped, at) {
	failed = sub(/^not /, "", text)
	if (!sub(/^ok( [0-9]+)?/, "", text) || text !~ /^( |$)/)
		return ""
	sub(/^ -( |$)/, " ", text)
	at = index(text, " # ")
	skipped = at && toupper(substr(text, at + 3)) ~ /^SKIP/
	name = at ? substr(text, 1, at - 1) : text
	gsub(/^ +| +$/, "", name)
	return failed ? "fail" : skipped ? "skip" : "pass"
}

{
	sub(/\r$/, "")
	print
}

kind == "kselftest" && /^# selftests: / {
	program = $0
	sub(/^# selftests: /, "", program)
	sub(/: /, ".", program)
	cases = failures = 0
	next
}

kind == "kselftest" && /^# / {
	result = parse(substr($0, 3))
	if (result != "") {
		cases++
		failures += result == "fail"
		signal(program "." name, result)
	}
}

kind == "kselftest" && /^(not )?ok / {
	result = parse($0)
	# The status of a shell after an error.
	if (/ # XFAIL$/)
		result = "fail"
	if (!cases || (result == "fail" && !failures))
		signal(program, result)
}

kind == "kunit" && /^    # Subtest: / {
	suite = $0
	sub(/^ *# Subtest: /, "", suite)
}

kind == "kunit" && /^    (not )?ok / {
	result = parse(substr($0, 5))
	if (result != "")
		signal("kunit." suite "." name, result)
}

{ fflush() }
