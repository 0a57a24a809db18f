#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build.sh KDIR OUTPUT CC
#
# Builds the modules of this directory out of tree, against the kernel that was
# built in KDIR. Leaves the modules in OUTPUT and, for kbuild.sh to inspect, a log of
# each goal and lists of files. The last line of a log is the exit status.

set -e

kdir=$1
output=$2
cc=$3
source=$(dirname "$(readlink -f "$0")")
build=$output.build

# Incomplete until it is renamed to $output.
result=$build/result

# The settings of the selftests' own make do not apply to the kernel's.
unset KBUILD_OUTPUT MAKEFLAGS MFLAGS MAKELEVEL
ARCH=$(sed -n 's,^# Linux/\([a-z0-9_]*\) .*,\1,p' "$kdir/.config")
export ARCH

kbuild()
{
	log=$result/$1.log
	directory=$2
	shift 2
	status=0
	make -C "$kdir" M="$directory" CC="$cc" "$@" >"$log" 2>&1 || status=$?
	echo "exit status $status" >>"$log"
}

# Ends the build if a goal failed whose records would be incomplete.
require()
{
	if ! tail -n 1 "$result/$1.log" | grep -qx 'exit status 0'; then
		head -n 40 "$result/$1.log" >&2
		exit 1
	fi
}

list()
{
	(cd "$1" && find . -type f) >"$build/files"
	sort "$build/files" >"$result/$2.list"
}

release=$(cat "$kdir/include/config/kernel.release")

rm -rf "$build"
trap 'rm -rf "$build"' EXIT
sources=$build/sources
mkdir -p "$sources" "$result"
cp -r "$source"/Kbuild "$source"/*.[ch] "$source"/refused "$sources"
list "$sources" sources

kbuild modules "$sources" modules
require modules
cp "$sources"/*.ko "$result"
kbuild modules_install "$sources" modules_install INSTALL_MOD_PATH="$build/root"
require modules_install
list "$build/root/lib/modules" installed

# For signing.sh: kbuild finds the key, wherever CONFIG_MODULE_SIG_KEY says it is. It
# installs the module without a signature if that fails.
if grep -q '^CONFIG_MODULE_SIG=y' "$kdir/.config"; then
	kbuild sign "$sources" modules_install INSTALL_MOD_PATH="$build/signed" \
		INSTALL_MOD_DIR=updates CONFIG_MODULE_SIG_ALL=y CONFIG_MODULE_COMPRESS_ALL=
	signed=$build/signed/lib/modules/$release/updates/lkmdemo_test_client.ko
	if [ -e "$signed" ] && [ "$(tail -c 28 "$signed")" = '~Module signature appended~' ]; then
		mkdir "$result/signed"
		cp "$signed" "$result/signed"
	fi
fi

kbuild help "$sources" help
require help
kbuild clean "$sources" clean
require clean
list "$sources" clean

sort "$kdir/Module.symvers" | grep '	drivers/misc/lkmdemo/lkmdemo_counter	' \
	>"$result/symvers.list"

# The versions that a module can ask for: as a number and as text.
numbers=$(echo "$release" | awk -F '[.-]' '{ printf "%d, %d, %d", $1, $2, $3 }')
printf '%s\n' LINUX_VERSION_CODE "KERNEL_VERSION($numbers)" UTS_RELEASE |
	"$cc" -E -P -include "$kdir/include/generated/uapi/linux/version.h" \
		-include "$kdir/include/generated/utsrelease.h" - >"$result/version.list"

# What the compiler refuses, then what modpost refuses when all has compiled.
kbuild refused "$sources/refused" -k MODULES='float frame' modules
kbuild borrower "$sources/refused" MODULES=borrower modules

rm -rf "$output"
mv "$result" "$output"
