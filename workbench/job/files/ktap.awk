# SPDX-License-Identifier: GPL-2.0-only
#
# Writes what the runner of kselftest prints as one KTAP document: a version, a plan, and a
# result of each program behind its nested cases. A program appears when it has ended. A
# result that a plan promises and that is missing is a failure.
#
#	share		the file with the tests, as share.awk prints them
#	measured	the file for the seconds of each program

function is_result(text) { return text ~ /^(not )?ok( [0-9]+)? / }

function is_plan(text) { return text ~ /^1\.\.[0-9]+( *# *SKIP.*)?$/ }

function is_header(text) { return text ~ /^K?TAP version [0-9]+$/ }

function is_ktap(text) { return is_result(text) || is_plan(text) || is_header(text) || text ~ /^[ \t]*#/ }

# Prints the lines of a program; returns the reason if it skipped all cases, otherwise "".
function nested(name,    i, plan, reason, has_plan, results, expected) {
	for (i = 1; i <= count; i++) {
		if (!has_plan && is_plan(inner[i])) {
			has_plan = 1
			plan = substr(inner[i], 4) + 0
			reason = inner[i]
			if (!sub(/^[^#]*# *SKIP */, "", reason))
				reason = ""
		}
		if (is_result(inner[i]))
			results++
	}
	expected = has_plan ? plan : results + 0
	if (!expected) {
		for (i = 1; i <= count; i++)
			if (!is_ktap(inner[i]))
				print "# " inner[i]
		return reason
	}
	print "  KTAP version 1"
	print "  # Subtest: " name
	print "  1.." expected
	for (i = 1; i <= count; i++)
		if (!is_plan(inner[i]) && !is_header(inner[i]))
			print (is_ktap(inner[i]) ? "  " : "  # ") inner[i]
	for (i = results + 1; i <= expected; i++)
		print "  not ok " i " has no result"
	return ""
}

function result(state, name, directive,    reason) {
	reason = nested(name)
	if (directive == "SKIP" && reason != "")
		directive = directive " " reason
	number++
	print state " " number " " name (directive == "" ? "" : " # " directive)
	delete missing[name]
	count = 0
	begun = ""
	# A file, such as one that tee writes, has the program now.
	fflush()
}

BEGIN {
	while ((getline line <share) > 0) {
		split(line, field, "\t")
		if (field[1] == "kunit")
			continue
		program[++programs] = "selftests: " field[3] ": " field[4]
		missing[program[programs]] = 1
	}
	print "KTAP version 1"
	print "1.." programs + 0
	fflush()
}

# A console of a virtual machine writes both characters of a line break.
{ sub(/\r$/, "") }

/^# seconds / {
	if (last != "")
		print last "\t" $4 - $3 >measured
	next
}

is_result($0) {
	state = /^not / ? "not ok" : "ok"
	name = $0
	sub(/^(not )?ok( [0-9]+)? /, "", name)
	directive = ""
	at = index(name, " # ")
	if (at) {
		directive = substr(name, at + 3)
		name = substr(name, 1, at - 1)
	}
	result(state, name, directive)
	last = name
	sub(/^selftests: /, "", last)
	next
}

/^# selftests: / {
	begun = substr($0, 3)
	next
}

/^# / {
	inner[++count] = substr($0, 3)
	next
}

# Anything else that a guest prints, such as the version.
$0 != "" { print "# " $0 }

END {
	if (begun != "")
		result("not ok", begun, "the guest ended")
	for (i = 1; i <= programs; i++)
		if (program[i] in missing)
			print "not ok " ++number " " program[i] " # did not run"
}
