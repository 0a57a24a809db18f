# SPDX-License-Identifier: GPL-2.0-only
#
# Helpers for the tests of commands, and the preconditions of these tests. To be
# sourced first, with the directory of the program in $dir.
#
# A case is a call of expect or contains. While $reason is not empty, the cases are
# skipped for that reason.

# depmod and modprobe are in these directories, also for an ordinary user.
PATH=$PATH:/usr/sbin:/sbin
# The cases expect messages that are not translated.
LC_ALL=C
export PATH LC_ALL

. "$dir/../kselftest/ktap_helpers.sh"

reason=
release=$(uname -r)

# In an order in which they can be unloaded.
modules='lkmdemo lkmdemo_inc lkmdemo_dec lkmdemo_counter lkmdemo_hello lkmdemo_pool'

# The modules that the Makefile built for the tests.
test_modules=$dir/modules
[ -d "$test_modules" ] || test_modules=$OUTPUT/modules

ktap_print_header

# TMPDIR may name a directory that does not exist.
out=$(mktemp -d 2>/dev/null || mktemp -d /tmp/lkmdemo.XXXXXX) ||
	ktap_exit_fail_msg 'cannot create a temporary directory'
export TMPDIR="$out"

# skip NAME REASON
skip()
{
	__ktap_test ok "$1" "SKIP $2"
	KTAP_CNT_SKIP=$((KTAP_CNT_SKIP + 1))
}

# expect NAME TEXT COMMAND...: the case passes if the command prints the text.
expect()
{
	name=$1
	want=$2
	shift 2
	if [ -n "$reason" ]; then
		skip "$name" "$reason"
		return
	fi

	got=$("$@")
	if [ "$got" = "$want" ]; then
		ktap_test_pass "$name"
	else
		printf 'expected:\n%s\ngot:\n%s\n' "$want" "$got" | sed 's/^/# /'
		ktap_test_fail "$name"
	fi
}

# contains NAME REGEX FILE: the case passes if a line of the file matches.
contains()
{
	if [ -n "$reason" ]; then
		skip "$1" "$reason"
	elif grep -q "$2" "$3"; then
		ktap_test_pass "$1"
	else
		sed 's/^/# /' "$3"
		ktap_test_fail "$1"
	fi
}

# says COMMAND...: prints both outputs of the command, and its status unless that is 0.
says()
{
	"$@" 2>&1 || echo "exit status $?"
}

# Ends the program, with KSFT_SKIP if it skipped every case.
finish()
{
	if [ "$KTAP_CNT_SKIP" -eq "$KSFT_NUM_TESTS" ]; then
		ktap_print_totals
		exit "$KSFT_SKIP"
	fi
	ktap_finished
}

# Preconditions. Each of these prints the reason why a case cannot run, or nothing.

root_missing()
{
	[ "$(id -u)" -eq 0 ] || echo 'requires root'
}

# release_before VERSION PATCHLEVEL FACT: for a fact of the kernel or of its build that
# earlier releases lack. All comparisons of releases are here.
release_before()
{
	of_kernel=${release%%.*}
	level_of_kernel=${release#*.}
	level_of_kernel=${level_of_kernel%%[!0-9]*}
	if [ "$of_kernel" -lt "$1" ] ||
	   { [ "$of_kernel" -eq "$1" ] && [ "$level_of_kernel" -lt "$2" ]; }; then
		echo "Linux $of_kernel.$level_of_kernel lacks $3"
	fi
}

# in_tree_missing MODULE: for a module of the kernel tree, not one built out of tree.
in_tree_missing()
{
	[ -n "$(modinfo -F intree "$1" 2>/dev/null)" ] || echo "$1 was built out of tree"
}

# updates_present MODULE: for a module in the directory of its source. DKMS installs under
# updates.
updates_present()
{
	case $(modinfo -n "$1" 2>/dev/null) in
	*/updates/*) echo "$1 is installed under updates" ;;
	esac
}

# tool_missing COMMAND
tool_missing()
{
	command -v "$1" >/dev/null || echo "requires $1"
}

# The tools of other projects print other messages.
kmod_missing()
{
	case $(modprobe --version 2>/dev/null) in
	kmod*) ;;
	*) echo 'requires kmod' ;;
	esac
}

# mount_missing TYPE DIRECTORY. The last mount on a directory hides the others.
mount_missing()
{
	awk -v type="$1" -v directory="$2" '
		$2 == directory { found = $3 }
		END { if (found != type) print "requires " type " on " directory }' /proc/mounts
}

# What modprobe would do to load a module: "insmod FILE", "builtin NAME", or nothing. The
# last line is about the module itself.
module_source()
{
	modprobe --show-depends "$1" 2>/dev/null | {
		action='' name=''
		while read -r action_read name_read _; do
			action=$action_read name=$name_read
		done
		[ -z "$action" ] || echo "$action $name"
	}
}

# files_missing MODULE...
files_missing()
{
	sources="
$(modprobe -a --show-depends "$@" 2>/dev/null)
"
	for module; do
		case $sources in
		*"/$module.ko"*)
			;;
		*"
builtin $module
"*)
			echo "$module is built in"
			return
			;;
		*)
			echo "modprobe finds no $module in /lib/modules/$release"
			return
			;;
		esac
	done
}

# The modules of the tests may be absent, or built for another kernel.
test_modules_missing()
{
	if [ ! -d "$test_modules" ]; then
		echo 'no modules were built for the tests: KDIR lacks the exports of the driver'
	elif ! grep -aq "vermagic=$release " "$test_modules/lkmdemo_test_client.ko"; then
		echo 'the modules of the tests were built for another kernel than this'
	fi
}

# refusal FILE: the policy with which the kernel refuses this module.
refusal()
{
	said=$(insmod "$1" 2>&1) && rmmod "$1"
	case $said in
	*'not permitted'* | *'ermission denied'* | *'Key was rejected'*)
		echo "the kernel refuses the modules: ${said##*: }"
		;;
	esac
}

policy_present()
{
	sysctl=/proc/sys/kernel/modules_disabled
	disabled=
	[ ! -r $sysctl ] || read -r disabled <$sysctl
	if [ "$disabled" = 1 ]; then
		echo 'kernel.modules_disabled is 1'
		return
	fi
	# This one has no dependencies.
	case $(module_source lkmdemo_counter) in
	insmod*)
		refusal "$(modinfo -n lkmdemo_counter)"
		;;
	esac
}

# A user of the modules that the tests do not unload.
holder_present()
{
	for module in $modules; do
		for holder in /sys/module/"$module"/holders/*; do
			holder=${holder##*/}
			case " $modules " in
			*" $holder "*) continue ;;
			esac
			case $holder in
			'*' | lkmdemo_test_*) ;;
			*)
				echo "$module is in use by $holder"
				return
				;;
			esac
		done
	done
}

# modules_unusable MODULE...: for modules that the cases load and unload. The answer does not
# change. A file caches it for other subshells, since it requires many processes.
modules_unusable()
{
	kept="$out/unusable $*"
	if [ ! -e "$kept" ]; then
		missing=$(root_missing; kmod_missing; files_missing "$@"; holder_present)
		[ -n "$missing" ] || missing=$(policy_present)
		echo "$missing" >"$kept"
	fi

	read -r missing <"$kept"
	[ -z "$missing" ] || echo "$missing"
}

# For /dev/lkmdemo, of a driver that may be built in.
device_unusable()
{
	missing=$(modules_unusable lkmdemo)
	if [ -z "$missing" ]; then
		mount_missing devtmpfs /dev
	elif [ -n "$(root_missing)" ] || [ ! -c /dev/lkmdemo ]; then
		echo "$missing"
	fi
}

# The state of the modules.

parameters=/sys/module/lkmdemo/parameters

# Those of the modules that are loaded, a line each.
loaded()
{
	for module in lkmdemo_test_client $modules; do
		[ ! -e "/sys/module/$module/initstate" ] || echo "$module"
	done
}

unload_all()
{
	: >"$out/changed"
	for module in $(loaded); do
		rmmod "$module" || ktap_exit_fail_msg "cannot unload $module"
	done
}

# fresh_device [PARAMETER=VALUE...]: provides /dev/lkmdemo with its greeting. A driver
# that cannot be loaded afresh keeps its capacity.
fresh_device()
{
	if [ -z "$(modules_unusable lkmdemo)" ]; then
		unload_all
		modprobe lkmdemo "$@" || ktap_exit_fail_msg 'cannot load lkmdemo'
		return
	fi

	echo Y >$parameters/exclusive
	for parameter; do
		case $parameter in
		exclusive=*) echo "${parameter#*=}" >$parameters/exclusive ;;
		esac
	done
	echo 'Hello from kernel' >/dev/lkmdemo
}

# Records which modules are resident, and their parameters.
for module in $modules; do
	[ -e "/sys/module/$module" ] || continue
	mkdir -p "$out/found/$module"
	for parameter in /sys/module/"$module"/parameters/*; do
		# The shared counter is an output.
		case $parameter in
		*/shared | *'/*') ;;
		*) cat "$parameter" >"$out/found/$module/${parameter##*/}" ;;
		esac
	done
done
found=$(loaded)

# Loads a module with the parameters that it had.
load_found()
{
	set -- "$1"
	for parameter in "$out/found/$1"/*; do
		value=$(cat "$parameter" 2>/dev/null)
		case $value in
		'' | '(null)') ;;
		*) set -- "$@" "${parameter##*/}=$value" ;;
		esac
	done
	modprobe "$@"
}

# Restores the recorded state.
clean_up()
{
	if [ -e "$out/changed" ]; then
		unload_all
		for module in $found; do
			load_found "$module"
		done
	fi
	if [ -e "$out/found/lkmdemo/exclusive" ] && [ -w $parameters/exclusive ]; then
		cat "$out/found/lkmdemo/exclusive" >$parameters/exclusive
	fi
	rm -rf "$out"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
