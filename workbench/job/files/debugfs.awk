# SPDX-License-Identifier: GPL-2.0-only
#
# Writes the results of KUnit in debugfs, a KTAP document for each suite, as one document.

# A console of a virtual machine writes both characters of a line break.
{ sub(/\r$/, "") }

/^KTAP version 1$/ { next }

/^1\.\.1$/ {
	suites++
	next
}

suites {
	sub(/^ok [0-9]+/, "ok " suites)
	sub(/^not ok [0-9]+/, "not ok " suites)
	line[++count] = $0
}

END {
	print "KTAP version 1"
	print "1.." suites + 0
	for (i = 1; i <= count; i++)
		print line[i]
}
