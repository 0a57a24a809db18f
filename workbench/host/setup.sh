#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: setup.sh TARGET...
#
# Install, with apt, the missing packages that the file "packages" lists for "all" and
# for each TARGET. Without apt, name what is missing. Print nothing when nothing is
# missing. The script requires a shell and essential packages only; Python may be
# missing. Exit status 2: something is still missing.
set -eu

list=$(dirname "$0")/packages
system=/usr/sbin:/usr/bin:/sbin:/bin

# How long to wait for the locks of another apt, in seconds.
lock_timeout=600

# The message of apt when another process holds a lock.
locked='^E: Could not get lock'

fail()
{
	echo "workbench: $*" >&2
	exit 2
}

# Print the Python modules of the list that are missing. One process checks all of
# them, because Python starts slowly.
missing_modules()
{
	modules=$(sed -n '/^#/!s/.*py:\([a-z0-9_]*\).*/\1/p' "$list")
	# shellcheck disable=SC2086 # a list of words
	PATH=$system python3 -c '
import importlib.util, sys
print(*(name for name in sys.argv[1:] if not importlib.util.find_spec(name)))' \
		$modules 2>/dev/null || echo "$modules"
}

# usage: is_installed NAME PATH
is_installed()
{
	case $1 in
	lib:*)
		case $(PATH=$system gcc -print-file-name="${1#lib:}" 2>/dev/null </dev/null) in
		/*) ;;
		*) return 1 ;;
		esac
		;;
	py:*)
		[ "${modules_missing+set}" ] || modules_missing=$(missing_modules | tr '\n' ' ')
		case " $modules_missing " in
		*" ${1#py:} "*) return 1 ;;
		esac
		;;
	/*) [ -e "$1" ] ;;
	perl:*) PATH=$system perl -M"${1#perl:}" -e 1 2>/dev/null </dev/null ;;
	*) PATH=$2 command -v "$1" >/dev/null ;;
	esac
}

# usage: is_required TARGETS TARGET...
is_required()
{
	targets=$1
	shift
	for target in all "$@"; do
		case ,$targets, in
		*,"$target",*) return ;;
		esac
	done
	return 1
}

# usage: find_missing TARGET...
# Set "missing" to the names of what is missing, and "packages" to the packages that
# provide it.
find_missing()
{
	missing='' packages='' others=''
	unset modules_missing
	while read -r package targets provided _; do
		case $package in
		'' | '#'*) continue ;;
		esac
		is_required "$targets" "$@" || continue
		case ,$targets, in
		*,all,* | *,distro,* | *,x86_64,* | *,arm64,* | *,powerpc,* | *,riscv,* | *,s390,*) path=$system ;;
		*) path=$system:$PATH ;;
		esac
		case $provided in
		-)
			others="$others $package"
			continue
			;;
		esac
		before=$missing
		while [ -n "$provided" ]; do
			name=${provided%%,*}
			provided=${provided#"$name"}
			provided=${provided#,}
			is_installed "$name" "$path" && continue
			case $name in
			lib:*) name=${name#lib:} ;;
			py:*) name="Python module ${name#py:}" ;;
			perl:*) name="Perl module ${name#perl:}" ;;
			esac
			missing=${missing:+$missing, }$name
		done
		[ "$missing" = "$before" ] || packages="$packages $package"
	done <"$list"
	[ -z "$packages" ] || packages=${packages# }$others
}

# A signal stops apt-get while it fetches the lists. It does not interrupt an
# installation: the set-up ends after it.
signal=''
child=''
on_signal()
{
	signal=$1
	if [ -n "$child" ] && [ "$step" = update ]; then
		# This user cannot stop a process of root, which sudo starts.
		kill "$child" 2>/dev/null || echo "stopping after apt-get $step"
	fi
}

exit_on_signal()
{
	[ -n "$signal" ] || return 0
	rm -f "$log"
	exit $((128 + signal))
}

# usage: apt_get STEP ARGUMENT...
apt_get()
{
	step=$1
	# shellcheck disable=SC2086 # empty as root
	$as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q "$@" \
		</dev/null >"$log" 2>&1 9<&- &
	child=$!
	status=0
	wait "$child" || status=$?
	# A signal interrupts wait, but does not end the child.
	while [ -d "/proc/$child" ]; do
		status=0
		wait "$child" || status=$?
	done
	child=''
	exit_on_signal
	return "$status"
}

# usage: retry_apt_get STEP ARGUMENT...
# Run apt-get; repeat it while another process holds the locks of apt.
retry_apt_get()
{
	waited=0
	until apt_get "$@"; do
		holder=$(grep "$locked" "$log" | head -n 1)
		if [ -z "$holder" ] || [ "$waited" -ge "$lock_timeout" ]; then
			grep -E '^(E|W|Err):' "$log" >&2 || tail -n 5 "$log" >&2
			echo "log: $log" >&2
			fail "apt-get $1 failed. Run it by hand:
  ${as_root:+sudo }apt-get install --no-install-recommends $packages"
		fi
		[ "$waited" -gt 0 ] || echo "waiting for apt: ${holder#E: }"
		waited=$((waited + 1))
		# Ctrl-C ends sleep before the shell handles the signal.
		sleep 1 || signal=2
		exit_on_signal
	done
}

find_missing "$@"
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || fail "missing: $missing"

# Only one set-up runs at a time on this machine; all of them can lock apt-get.
exec 9<"$(command -v apt-get)"
if ! flock -n 9; then
	echo 'waiting for another set-up to end'
	flock 9
	find_missing "$@"
	[ -n "$missing" ] || exit 0
fi

as_root=''
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || fail "missing: $missing
The installation requires root or sudo. As root:
  apt-get install --no-install-recommends $packages"
	as_root=sudo
fi

log=$(mktemp "${TMPDIR:-/tmp}/workbench-setup.XXXXXX")
trap 'on_signal 1' HUP
trap 'on_signal 2' INT
trap 'on_signal 15' TERM
echo "installing: $packages"

# The mirror may not have the versions in old lists any more.
retry_apt_get update
# shellcheck disable=SC2086 # a list of words
retry_apt_get install -y --no-install-recommends $packages
rm -f "$log"

installed=$packages
find_missing "$@"
[ -z "$missing" ] || fail "apt-get installed $installed, but these are still missing: $missing"
