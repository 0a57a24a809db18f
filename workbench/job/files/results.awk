# SPDX-License-Identifier: GPL-2.0-only
#
# Reads a KTAP document and writes it in another format:
#
#	format=cases	a line for each case, with tabs: the result, the name, the reason
#	format=json	the JSON of kunit.py
#	format=xml	the JUnit XML of kunit.py
#
# kind is "kunit" or "kselftest". with_target is 1 if the names of cases have the target. A
# result that a plan promises and that is missing is a failed case, as is a program that
# skipped all of its cases. The exit status 2 of a program, which is that of a shell after
# an error, is a failure, not an expected one.

function new_group(indent) {
	groups++
	indent_of[groups] = indent
	plan_of[groups] = -1
	size_of[groups] = 0
	stack[++top] = groups
}

function add(group, name, failed, skipped, inner, reason) {
	results++
	size_of[group]++
	member[group, size_of[group]] = results
	name_of[results] = name
	failed_of[results] = failed
	skipped_of[results] = skipped
	inner_of[results] = inner
	reason_of[results] = reason
	log_of[results] = lines
	lines = ""
}

# Ends the groups that are indented further; returns the outermost of them, or 0.
function close_groups(indent,    group, inner) {
	group = 0
	while (indent_of[stack[top]] > indent) {
		inner = group
		group = stack[top--]
		if (inner)
			add(group, "has no result", 1, 0, inner, "")
	}
	return group
}

function indent_of_line() {
	match($0, /^ */)
	return RLENGTH
}

function parse_result(    indent, text, at, name, directive, failed, skipped, inner, reason) {
	indent = indent_of_line()
	text = substr($0, indent + 1)
	# At the margin, the status of a program.
	if (kind == "kselftest" && !indent && text ~ /^ok .* # XFAIL$/)
		text = "not " text
	failed = sub(/^not /, "", text)
	sub(/^ok( [0-9]+)?/, "", text)
	sub(/^ -( |$)/, " ", text)
	at = index(text " ", " # ")
	name = at ? substr(text, 1, at - 1) : text
	directive = at ? substr(text, at + 3) : ""
	gsub(/^ +| +$/, "", name)
	inner = close_groups(indent)
	if (indent_of[stack[top]] < indent)
		new_group(indent)
	skipped = toupper(directive) ~ /^SKIP/
	reason = skipped ? substr(directive, 5) : directive
	gsub(/^ +| +$/, "", reason)
	if (failed && !inner && causes != "")
		reason = causes (reason == "" ? "" : ", " reason)
	add(stack[top], name, failed, skipped, inner, reason)
	causes = ""
	number_of_causes = 0
}

BEGIN { new_group(0) }

{ sub(/\r$/, "") }

/^ *(KTAP version 1|TAP version 1[34])$/ { next }

/^ *1\.\.[0-9]+( *#.*)?$/ {
	indent = indent_of_line()
	if (indent_of[stack[top]] < indent)
		new_group(indent)
	text = $0
	sub(/^ *1\.\./, "", text)
	plan_of[stack[top]] = text + 0
	next
}

/^ *(not )?ok( [0-9]+)?( -)?( .*)?$/ {
	parse_result()
	next
}

/^ *# Subtest: / { next }

{
	text = $0
	gsub(/^[# ]+| +$/, "", text)
	lines = lines (lines == "" ? "" : "\n") $0
	if (text ~ /Expected |EXPECTATION FAILED|ASSERTION FAILED|[^ ]+\.(c|h|sh):[0-9]+: *[^ ]/ && number_of_causes++ < 2)
		causes = causes (causes == "" ? "" : ", ") text
}

END {
	inner = close_groups(0)
	if (inner)
		add(stack[top], "has no result", 1, 0, inner, "")
	if (format == "cases") {
		cases(1, "", "", 0, "")
	} else {
		count_group(1)
		if (format == "json")
			json(1, "KUnit Test Group", "")
		else
			xml_document()
	}
}

function title(first, second, last, depth,    at, program, target) {
	if (kind == "kunit")
		return "KUnit " first (depth > 1 ? "." second : "")
	sub(/^selftests: /, "", first)
	at = index(first, ": ")
	program = at ? substr(first, at + 2) : ""
	target = at ? substr(first, 1, at - 1) : first
	return "kselftest " (with_target ? target ":" : "") program (depth > 1 ? ": " last : "")
}

function emit(result, name, reason) {
	print result "\t" name "\t" reason
	emitted[result]++
}

# Prints the cases of a group. Sets failed_inside.
function cases(group, first, second, depth, group_reason,    i, r, one, two, before, skips, all) {
	for (i = 1; i <= size_of[group]; i++) {
		r = member[group, i]
		one = depth == 0 ? name_of[r] : first
		two = depth == 1 ? name_of[r] : second
		before = emitted["failed"] + 0
		skips = emitted["skipped"] + 0
		all = emitted["failed"] + emitted["skipped"] + emitted["passed"]
		if (inner_of[r] && (size_of[inner_of[r]] || !skipped_of[r])) {
			cases(inner_of[r], one, two, depth + 1, reason_of[r])
			if (failed_of[r] && emitted["failed"] + 0 == before)
				emit("failed", title(one, two, name_of[r], depth + 1), reason_of[r])
		} else {
			emit(failed_of[r] ? "failed" : skipped_of[r] ? "skipped" : "passed",
			     title(one, two, name_of[r], depth + 1), reason_of[r])
		}
		if (kind == "kselftest" && depth == 0 && emitted["skipped"] > skips &&
		    emitted["skipped"] - skips == emitted["failed"] + emitted["skipped"] + emitted["passed"] - all)
			emit("failed", title(one, "", "", 1) ": skipped every case", "")
	}
	if (plan_of[group] >= 0 && plan_of[group] != size_of[group])
		emit("failed", title(depth ? first : size_of[group] " of " plan_of[group] " have a result",
				     depth == 1 ? size_of[group] " of " plan_of[group] " have a result" : second,
				     size_of[group] " of " plan_of[group] " have a result", depth + 1), group_reason)
	else if (!size_of[group])
		emit("failed", title(depth ? first : "has no case", depth == 1 ? "has no case" : second, "has no case",
				     depth + 1), group_reason)
}

function status_of(r) {
	if (failed_of[r])
		return name_of[r] == "has no result" ? "ERROR" : "FAIL"
	return skipped_of[r] ? "SKIP" : "PASS"
}

# Counts the cases below each group, by their status.
function count_group(group,    i, r, s, inner) {
	for (i = 1; i <= size_of[group]; i++) {
		r = member[group, i]
		inner = inner_of[r]
		if (inner && size_of[inner]) {
			count_group(inner)
			for (s = 1; s <= 4; s++)
				number[group, s] += number[inner, s]
		} else {
			number[group, int(index("PASS FAIL SKIP ERROR", status_of(r)) / 5) + 1]++
		}
	}
}

function quoted(text) {
	gsub(/\\/, "\\\\", text)
	gsub(/"/, "\\\"", text)
	gsub(/\t/, "\\t", text)
	gsub(/[\001-\037\177]/, "?", text)
	return "\"" text "\""
}

function json(group, name, pad,    i, r, first) {
	print pad "{"
	print pad " \"name\": " quoted(name) ","
	print pad " \"sub_groups\": ["
	first = 1
	for (i = 1; i <= size_of[group]; i++) {
		r = member[group, i]
		if (inner_of[r] && size_of[inner_of[r]]) {
			if (!first)
				print pad "  ,"
			first = 0
			json(inner_of[r], name_of[r], pad "  ")
		}
	}
	print pad " ],"
	print pad " \"test_cases\": ["
	first = 1
	for (i = 1; i <= size_of[group]; i++) {
		r = member[group, i]
		if (!(inner_of[r] && size_of[inner_of[r]])) {
			print pad "  " (first ? "" : ",") "{\"name\": " quoted(name_of[r]) ", \"status\": \"" status_of(r) "\"}"
			first = 0
		}
	}
	print pad " ],"
	printf "%s \"misc\": {\"tests\": %d, \"passed\": %d, \"failed\": %d, \"crashed\": %d, \"skipped\": %d, " \
	       "\"errors\": 0},\n", pad, number[group, 1] + number[group, 2] + number[group, 3] + number[group, 4],
	       number[group, 1], number[group, 2], number[group, 4], number[group, 3]
	print pad " \"arch\": " quoted(arch) ", \"defconfig\": \"\", \"build_environment\": \"\", \"lab_name\": null,"
	print pad " \"kernel\": null, \"job\": null, \"git_branch\": \"kselftest\""
	print pad "}"
}

function escaped(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	gsub(/>/, "\\&gt;", text)
	gsub(/"/, "\\&quot;", text)
	gsub(/[\001-\010\013\014\016-\037]/, "?", text)
	return text
}

function xml(group, name, pad,    i, r, state) {
	printf "%s<testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" skipped=\"%d\" errors=\"%d\">\n", pad, escaped(name),
	       number[group, 1] + number[group, 2] + number[group, 3] + number[group, 4], number[group, 2],
	       number[group, 3], number[group, 4]
	for (i = 1; i <= size_of[group]; i++) {
		r = member[group, i]
		if (inner_of[r] && size_of[inner_of[r]]) {
			xml(inner_of[r], name_of[r], pad "  ")
			continue
		}
		state = status_of(r)
		print pad "  <testcase name=\"" escaped(name_of[r]) "\">"
		if (state == "FAIL")
			print pad "    <failure>Test Failed</failure>"
		else if (state == "SKIP")
			print pad "    <skipped>" escaped(reason_of[r]) "</skipped>"
		else if (state == "ERROR")
			print pad "    <error>Test Crashed</error>"
		if (log_of[r] != "")
			print pad "    <system-out>" escaped(log_of[r]) "</system-out>"
		print pad "  </testcase>"
	}
	print pad "</testsuite>"
}

function xml_document() {
	print "<?xml version='1.0' encoding='utf-8'?>"
	xml(1, "main", "")
}
