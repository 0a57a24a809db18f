# SPDX-License-Identifier: GPL-2.0-only
"""The programs of QEMU that a release of Debian has in its backports only.

QEMU 7.2 of Debian 12 truncates the offset of the s390 instruction larl to 32 bits, so that a
module accesses variables of each processor at a wrong address. The version of the backports
is unpacked in the cache; the system keeps its own.
"""

import shlex
from pathlib import Path

from kernel import archive, unpacked

# The packages in place of a program of a release. All of them come from the backports, because
# they require each other in the same version.
_PACKAGES: dict[tuple[str, str], tuple[str, ...]] = {
    ('bookworm', 'qemu-system-s390x'): ('qemu-system-s390x', 'qemu-system-common', 'qemu-system-data'),
}

_LIBRARIES = 'usr/lib/x86_64-linux-gnu'


def path(program: str) -> str:
    """Return the path of a program of QEMU; download its packages if they are missing.

    It is the name of the program itself if the system has a usable version.
    """
    release = archive.codename() if archive.is_debian() else ''
    packages = _PACKAGES.get((release, program), ())
    if not packages:
        return program

    def fill(root: Path) -> None:
        suite = archive.with_backports(release)
        unpacked.unpack(suite.download_closure(tuple(f'{name}/{release}-backports' for name in packages),
                                               essential=False), root, suite.log)
        suite.clear()
        script = root / program
        script.write_text('#!/bin/sh\n# Runs the program with the libraries of this directory.\n'
                          'here=$(dirname -- "$0")\n'
                          f'LD_LIBRARY_PATH=$here/{_LIBRARIES} exec "$here"/usr/bin/{shlex.quote(program)} "$@"\n',
                          encoding='ascii')
        script.chmod(0o755)

    return str(unpacked.directory(f'{program}-{release}', fill) / program)
