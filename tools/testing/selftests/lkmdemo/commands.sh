# SPDX-License-Identifier: GPL-2.0-only
#
# For the tests of commands: sourced first, with the program's directory in $dir.
# Skips the program, all of it, unless root runs it.

# Where the Makefile has left the modules of the tests.
test_modules=$dir/modules
[ -d "$test_modules" ] || test_modules=$OUTPUT/modules

. "$dir/../kselftest/ktap_helpers.sh"

ktap_print_header

skip_all()
{
	ktap_skip_all "$1"
	exit "$KSFT_SKIP"
}

# expect NAME WANT GOT: passes if both texts are the same.
expect()
{
	if [ "$2" = "$3" ]; then
		ktap_test_pass "$1"
	else
		printf 'wanted:\n%s\ngot:\n%s\n' "$2" "$3" | sed 's/^/# /'
		ktap_test_fail "$1"
	fi
}

# says COMMAND...: what it says on both outputs, and its exit status if not 0.
says()
{
	"$@" 2>&1 || echo "exit status $?"
}

[ "$(id -u)" -eq 0 ] || skip_all 'needs root'
