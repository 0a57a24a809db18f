#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# build.sh KDIR OUTPUT CC
#
# Builds the modules of this directory out of tree, against the kernel that was
# built in KDIR, and leaves in OUTPUT the modules and, for kbuild.sh to look at,
# what each goal printed and made. The last line of a log is the exit status.

set -e

kdir=$1
output=$2
cc=$3
source=$(dirname "$(readlink -f "$0")")
build=$output.build

# The settings of the selftests' own make are not meant for the kernel's.
unset KBUILD_OUTPUT MAKEFLAGS MFLAGS MAKELEVEL
ARCH=$(sed -n 's,^# Linux/\([a-z0-9_]*\) .*,\1,p' "$kdir/.config")
export ARCH

kbuild()
{
	log=$output/$1.log
	directory=$2
	shift 2
	status=0
	make -C "$kdir" M="$directory" CC="$cc" "$@" >"$log" 2>&1 || status=$?
	echo "exit status $status" >>"$log"
}

list()
{
	(cd "$1" && find . -type f) | sort >"$output/$2.list"
}

rm -rf "$output" "$build"
mkdir -p "$output" "$build"
cp -r "$source"/Kbuild "$source"/*.[ch] "$source"/refused "$build"
list "$build" sources

kbuild modules "$build" modules
if ! tail -n 1 "$output/modules.log" | grep -qx 'exit status 0'; then
	head -n 40 "$output/modules.log" >&2
	exit 1
fi
cp "$build"/*.ko "$output"
# Only modules_install signs; this one is for signing.sh.
if grep -q '^CONFIG_MODULE_SIG=y' "$kdir/.config"; then
	hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\(.*\)"/\1/p' "$kdir/.config")
	mkdir "$output/signed"
	"$kdir/scripts/sign-file" "$hash" "$kdir/certs/signing_key.pem" \
		"$kdir/certs/signing_key.x509" "$build/lkmdemo_test_client.ko" \
		"$output/signed/lkmdemo_test_client.ko"
fi
kbuild modules_install "$build" modules_install INSTALL_MOD_PATH="$build/root"
list "$build/root/lib/modules" installed
rm -r "$build/root"
kbuild help "$build" help
kbuild clean "$build" clean
list "$build" clean

sort "$kdir/Module.symvers" | grep '	drivers/misc/lkmdemo/lkmdemo_counter	' \
	>"$output/symvers.list"

# The versions that a module can ask for: as a number and as text.
release=$(cat "$kdir/include/config/kernel.release")
numbers=$(echo "$release" | awk -F '[.-]' '{ printf "%d, %d, %d", $1, $2, $3 }')
printf '%s\n' LINUX_VERSION_CODE "KERNEL_VERSION($numbers)" UTS_RELEASE |
	"$cc" -E -P -include "$kdir/include/generated/uapi/linux/version.h" \
		-include "$kdir/include/generated/utsrelease.h" - >"$output/version.list"

# What the compiler refuses, then what modpost refuses when all has compiled.
kbuild refused "$build/refused" -k MODULES='float frame' modules
kbuild borrower "$build/refused" MODULES=borrower modules
rm -r "$build"
