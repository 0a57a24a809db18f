# SPDX-License-Identifier: GPL-2.0-only
#
# Prints the lines of a list of tests that a shard runs, in the order of the list. A line
# has the kind of guest, the seconds of the last run, the target and the name of a test.
#
#	shard, of	the number of the shard, and that of all shards
#	selected	names of tests, by default all
#
# A test goes to the shard with the fewest seconds so far, the longest test first, so that
# each shard computes the same shares.

BEGIN {
	FS = "\t"
	words = split(selected, word, " ")
	for (i = 1; i <= words; i++)
		wanted[word[i]] = 1
}

{
	names = names " " $4
	found[$4] = found[$3 ":" $4] = 1
	if (words && !($4 in wanted) && !($3 ":" $4 in wanted))
		next
	count++
	line[count] = $0
	seconds[count] = $2 + 0
}

# Insertion keeps the order of tests of the same duration.
function sort(    i, j) {
	for (i = 1; i <= count; i++) {
		for (j = i - 1; j > 0 && seconds[order[j]] < seconds[i]; j--)
			order[j + 1] = order[j]
		order[j + 1] = i
	}
}

function least(    i, found_least) {
	found_least = 1
	for (i = 2; i <= of; i++)
		if (load[i] + 0 < load[found_least] + 0)
			found_least = i
	return found_least
}

END {
	for (i = 1; i <= words; i++)
		if (!(word[i] in found)) {
			print "run: TEST=" word[i] ": there is no such test; the tests are:" names >"/dev/stderr"
			exit 2
		}
	if (of + 0 > count) {
		print "run: SHARD=" shard "/" of ": there are only " count " tests" >"/dev/stderr"
		exit 2
	}
	sort()
	for (i = 1; i <= count; i++) {
		place = least()
		load[place] += seconds[order[i]]
		mine[order[i]] = (place == shard + 0)
	}
	for (i = 1; i <= count; i++)
		if (mine[i])
			print line[i]
}
