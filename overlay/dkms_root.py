# SPDX-License-Identifier: GPL-2.0-only
"""The Debian system in which check-dkms installs the package.

The cache keeps a system with its kernel, the headers and DKMS, and with the packages of a
second kernel, which are downloaded but not installed. Each run uses a copy of it.
"""

import json
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from host import lock
from host.console import UserError
from host.paths import CACHE
from host.process import run_logged
from kernel import archive, unpacked
from machine import chroot, roots

RELEASE = '12'
SUITE = roots.RELEASES[RELEASE]

# The versions of the kernels: that of the release, and that of its backports.
FIRST, SECOND = '6.1', '6.12'

HOME = CACHE / 'roots' / f'dkms-{SUITE}'

# The disk space for the system in the cache, a copy of it and its image, in bytes.
REQUIRED_SPACE = 5 << 30

# The packages of a kernel, which follow the newest one.
_KERNEL = 'linux-image-cloud-amd64 linux-headers-cloud-amd64'

# The firmware of QEMU, and the boot loader, which is signed.
_FIRMWARE = 'ovmf shim-signed grub-efi-amd64-signed'

_INSTALL = 'apt-get -q -y --no-install-recommends'
INSTALL_SECOND = f'{_INSTALL} -t {SUITE}-backports install {_KERNEL}'

# dpkg does not wait for the disk, and leaves out what no test reads.
_DPKG = '''force-unsafe-io
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
'''

# keyutils shows the keys of a kernel. apt-get update fails if it gets some lists only.
_PREPARE = f'''set -e
apt-get -q -o APT::Update::Error-Mode=any update
{_INSTALL} install {_KERNEL} dkms keyutils openssl
apt-get clean
{INSTALL_SECOND} --download-only
mkdir /root/firmware
cd /root/firmware
apt-get -q download {_FIRMWARE}
'''

# The hooks of a kernel package do not write an initial RAM disk.
_VARIABLES = {'INITRD': 'No'}


class System(NamedTuple):
    """The system in the cache.

    root: its root directory. second: a directory with the unpacked packages of the second
    kernel. firmware: the same with the firmware and the boot loader.
    """
    root: Path
    second: Path
    firmware: Path


def release_of(root: Path, version: str) -> str:
    """Return the release of a kernel in a root directory, as uname -r prints it; raise UserError without one."""
    found = [path.name for path in (root / 'usr/lib/modules').glob(f'{version}.*')]
    if len(found) != 1:
        raise UserError(f'{root} has {len(found)} kernels {version}; one is expected')
    return found[0]


def _describe(root: Path, version: str) -> None:
    """Write the description of a kernel that distro.DistroKernel reads."""
    description = {'abi': release_of(root, version), 'image': [], 'headers': [], 'tools': ['binutils', 'gcc-12'],
                   'release': SUITE}
    (root / 'packages.json').write_text(json.dumps(description, indent=1), encoding='utf-8')


def enter(root: Path, commands: str, log: Path, title: str) -> None:
    """Run shell commands in a copy of the system; raise UserError if they fail."""
    chroot.run(root, commands, log, title, step=r'((?:Get|Unpacking|Setting up|Building|Removing)\S* .{0,50})',
               **_VARIABLES)


def _fill(part: Path, logs: Path) -> None:
    root, second = part / 'root', part / 'second'
    chroot.debootstrap(SUITE, root, logs / 'debootstrap.log', f'Debian {RELEASE}: debootstrap')
    (root / 'etc/dpkg/dpkg.cfg.d/check-dkms').write_text(_DPKG, encoding='ascii')
    with open(root / 'etc/apt/sources.list', 'a', encoding='utf-8') as sources:
        sources.write(f'deb {archive.mirror()} {SUITE}-backports main\n')
    enter(root, _PREPARE, logs / 'prepare.log', f'Debian {RELEASE}: installing its kernel and DKMS')
    debs = [deb for deb in sorted((root / 'var/cache/apt/archives').glob('*.deb'))
            if re.match(rf'linux-(image|headers|kbuild)-{re.escape(SECOND)}\.', deb.name)]
    unpacked.unpack(debs, second, logs / 'unpack.log')
    unpacked.unpack(sorted((root / 'root/firmware').iterdir()), part / 'firmware', logs / 'unpack.log')
    shutil.rmtree(root / 'root/firmware')
    _describe(root, FIRST)
    _describe(second, SECOND)
    run_logged(['depmod', '-b', second, release_of(second, SECOND)], logs / 'depmod.log', 'indexing the modules')


def system(logs: Path) -> System:
    """Return the system from the cache; create it if it is missing. logs: the directory of the logs."""
    HOME.parent.mkdir(parents=True, exist_ok=True)
    with lock.held(HOME.with_name(f'.{HOME.name}.lock')):
        if not HOME.exists():
            require_space(HOME.parent)
            part = HOME.with_name(f'{HOME.name}.part')
            chroot.remove(part)
            try:
                part.mkdir()
                _fill(part, logs)
                os.replace(part, HOME)
            finally:
                chroot.remove(part)
    return System(*(HOME / name for name in System._fields))


def copy(root: Path, target: Path, log: Path) -> None:
    """Copy a root directory."""
    run_logged(['cp', '-a', '--reflink=auto', root, target], log, f'Debian {RELEASE}: copying the system')


def write_disk(root: Path, image: Path, log: Path) -> None:
    """Write a file system with the content of a root directory, to a file."""
    image.unlink(missing_ok=True)
    run_logged(['mkfs.ext4', '-q', '-F', '-O', '^has_journal', '-E', 'lazy_itable_init=1,root_owner=0:0', '-d', root,
                image, '3G'], log, f'Debian {RELEASE}: writing its disk')


def require_space(directory: Path) -> None:
    """Raise UserError if a directory has less free space than a run requires."""
    free = shutil.disk_usage(directory).free
    if free < REQUIRED_SPACE:
        raise UserError(f'{directory} has {free >> 20} MiB free; {REQUIRED_SPACE >> 20} MiB are required')
