#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: setup.sh TARGET...
#
# Looks for what the file "packages" beside this one lists for "all" and for each
# TARGET, and installs what is missing with apt. Where there is no apt, it names
# what is missing. Requires nothing else, so that it can run before anything else,
# and prints nothing when nothing is missing. Exit status 2: something is missing.
set -eu

list=$(dirname "$0")/packages
system=/usr/sbin:/usr/bin:/sbin:/bin

# How long another apt may hold its locks, in seconds.
patience=600

# What the locks of apt say when another process has them.
busy='^E: Could not get lock'

fail()
{
	echo "workbench: $*" >&2
	exit 2
}

# The Python modules of the list that are not there, in one go: Python starts slowly.
absent_modules()
{
	modules=$(sed -n '/^#/!s/.*py:\([a-z0-9_]*\).*/\1/p' "$list")
	# shellcheck disable=SC2086 # a list of words
	PATH=$system python3 -c '
import importlib.util, sys
print(*(name for name in sys.argv[1:] if not importlib.util.find_spec(name)))' \
		$modules 2>/dev/null || echo "$modules"
}

# usage: is_there NAME PATH
is_there()
{
	case $1 in
	lib:*)
		case $(PATH=$system gcc -print-file-name="${1#lib:}" 2>/dev/null </dev/null) in
		/*) ;;
		*) return 1 ;;
		esac
		;;
	py:*)
		[ "${absent+known}" ] || absent=$(absent_modules | tr '\n' ' ')
		case " $absent " in
		*" ${1#py:} "*) return 1 ;;
		esac
		;;
	perl:*) PATH=$system perl -M"${1#perl:}" -e 1 2>/dev/null </dev/null ;;
	*) PATH=$2 command -v "$1" >/dev/null ;;
	esac
}

# usage: is_wanted TARGETS TARGET...
is_wanted()
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

# usage: look TARGET...
# Sets "names" to what is missing, for people, and "packages" to what provides it.
look()
{
	names='' packages='' others=''
	unset absent
	while read -r package targets seen _; do
		case $package in
		'' | '#'*) continue ;;
		esac
		is_wanted "$targets" "$@" || continue
		case ,$targets, in
		*,all,* | *,x86_64,*) path=$system ;;
		*) path=$system:$PATH ;;
		esac
		case $seen in
		-)
			others="$others $package"
			continue
			;;
		esac
		before=$names
		while [ -n "$seen" ]; do
			name=${seen%%,*}
			seen=${seen#"$name"}
			seen=${seen#,}
			is_there "$name" "$path" && continue
			case $name in
			lib:*) name=${name#lib:} ;;
			py:*) name="Python module ${name#py:}" ;;
			perl:*) name="Perl module ${name#perl:}" ;;
			esac
			names=${names:+$names, }$name
		done
		[ "$names" = "$before" ] || packages="$packages $package"
	done <"$list"
	[ -z "$packages" ] || packages=${packages# }$others
}

# A signal ends the set-up once apt-get has ended: at once while it fetches lists,
# and not in the middle of an installation.
ended=''
child=''
on_signal()
{
	ended=$1
	if [ -n "$child" ] && [ "$step" = update ]; then
		# A process of root, under sudo, cannot be stopped and ends later.
		kill "$child" 2>/dev/null || echo "ending after apt-get $step"
	fi
}

leave()
{
	rm -f "$log"
	exit $((128 + ended))
}

# usage: apt_get STEP ARGUMENT...
apt_get()
{
	step=$1
	# shellcheck disable=SC2086 # no word when there is root
	$as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q "$@" \
		</dev/null >"$log" 2>&1 9<&- &
	child=$!
	status=0
	wait "$child" || status=$?
	# A signal ends the waiting, not the child.
	while [ -d "/proc/$child" ]; do
		status=0
		wait "$child" || status=$?
	done
	child=''
	[ -z "$ended" ] || leave
	return "$status"
}

# usage: patient_apt_get STEP ARGUMENT...
# Repeats it while another process has the locks of apt.
patient_apt_get()
{
	waited=0
	until apt_get "$@"; do
		holder=$(grep "$busy" "$log" | head -n 1)
		if [ -z "$holder" ] || [ "$waited" -ge "$patience" ]; then
			grep -E '^(E|W|Err):' "$log" >&2 || tail -n 5 "$log" >&2
			echo "log: $log" >&2
			fail "apt-get $1 failed. By hand:
  ${as_root:+sudo }apt-get install --no-install-recommends $packages"
		fi
		[ "$waited" -gt 0 ] || echo "waiting for apt: ${holder#E: }"
		waited=$((waited + 1))
		# Interrupted by the terminal, it fails before the shell gets the signal.
		sleep 1 || ended=2
		[ -z "$ended" ] || leave
	done
}

look "$@"
[ -n "$names" ] || exit 0
command -v apt-get >/dev/null || fail "missing: $names"

# One set-up at a time on this machine: its apt-get is what they have in common.
exec 9<"$(command -v apt-get)"
if ! flock -n 9; then
	echo 'waiting for another set-up to end'
	flock 9
	look "$@"
	[ -n "$names" ] || exit 0
fi

as_root=''
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || fail "missing: $names
There is neither root nor sudo; have these packages installed with:
  apt-get install --no-install-recommends $packages"
	as_root=sudo
fi

log=$(mktemp "${TMPDIR:-/tmp}/workbench-setup.XXXXXX")
trap 'on_signal 1' HUP
trap 'on_signal 2' INT
trap 'on_signal 15' TERM
echo "installing: $packages"

# The lists may be older than what the mirror still has: refresh them first.
patient_apt_get update
# shellcheck disable=SC2086 # a list of words
patient_apt_get install -y --no-install-recommends $packages
rm -f "$log"

installed=$packages
look "$@"
[ -z "$names" ] || fail "still missing: $names. apt-get has installed $installed"
