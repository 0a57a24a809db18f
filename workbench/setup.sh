#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: setup.sh TARGET...
#
# Installs what is missing of the packages listed in the file beside this one
# for "all" and for each TARGET. Needs nothing but dpkg and apt, so that it
# can run before anything else. Says nothing when nothing is missing.
set -eu

list=$(dirname "$0")/packages

fail()
{
	echo "lkmdemo: $*" >&2
	exit 1
}

# The packages wanted by the targets given, in one line.
wanted()
{
	awk -v targets="all $*" '
		BEGIN { n = split(targets, target, " ") }
		/^#/ || !NF { next }
		{
			for (i = 1; i <= n; i++)
				if (index("," $2 ",", "," target[i] ",")) {
					print $1
					next
				}
		}' "$list"
}

missing()
{
	for package in $(wanted "$@"); do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) echo "$package" ;;
		esac
	done
}

command -v apt-get dpkg-query >/dev/null ||
	fail "set-up installs Debian packages, and this is no Debian;" \
	     "install the likes of those in $list by hand"

# One question for all of them first: the usual answer is that nothing lacks.
# shellcheck disable=SC2046 # a list of words is what is meant
if dpkg-query -W -f '${db:Status-Status}\n' $(wanted "$@") 2>/dev/null |
   awk -v n="$(wanted "$@" | wc -l)" '
	$0 == "installed" { have++ } END { exit have != n }' >/dev/null; then
	exit 0
fi

# shellcheck disable=SC2046
set -- $(missing "$@")

as_root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null ||
		fail "these packages are missing, and there is neither root nor sudo;" \
		     "have them installed with:
  apt-get install --no-install-recommends $*"
	as_root=sudo
fi

log=$(mktemp "${TMPDIR:-/tmp}/lkmdemo-setup.XXXXXX")
trap 'rm -f "$log"' INT TERM
echo "installing $# packages: $*"

# The lists may be older than what the mirror still has: refresh them first.
for step in update "install -y --no-install-recommends $*"; do
	# shellcheck disable=SC2086
	if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
	     -o DPkg::Lock::Timeout=60 $step </dev/null >"$log" 2>&1; then
		grep -E '^(E|W|Err):' "$log" >&2 || tail -n 5 "$log" >&2
		fail "apt-get ${step%% *} failed; log: $log. By hand:
  ${as_root:+sudo }apt-get install --no-install-recommends $*"
	fi
done

rm -f "$log"
