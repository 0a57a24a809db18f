# SPDX-License-Identifier: GPL-2.0-only
#
# Prints the failed cases, at most 20 lines, and the number of cases with each result. The
# input has the result, the name and the reason of each case. Exit status: 0 if a case
# passed and none failed.
#
#	statuses	the file with the kinds of runs whose command failed, and its status

{
	count[$1]++
	if ($1 == "failed" && !($2 in reason)) {
		name[++failed] = $2
		reason[$2] = $3
	}
}

END {
	while ((getline line <statuses) > 0 && !count["failed"]) {
		split(line, field, "\t")
		name[++failed] = field[1] ": the run ended with " field[2] " although no case failed"
		count["failed"]++
	}
	shown = failed <= 20 ? failed : 19
	for (i = 1; i <= shown; i++)
		print "failed: " name[i] (reason[name[i]] == "" ? "" : ": " reason[name[i]])
	if (shown < failed)
		print "failed: and " failed - shown " more"
	printf "%d passed, %d failed, %d skipped\n", count["passed"], count["failed"], count["skipped"]
	exit count["failed"] || !count["passed"]
}
