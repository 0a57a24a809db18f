# SPDX-License-Identifier: GPL-2.0-only
"""The processor architectures other than that of this machine, which QEMU interprets."""

from typing import NamedTuple


class Architecture(NamedTuple):
    """An architecture.

    cross_compile: the prefix of its compiler, '' for that of the host. debian: its name in
    Debian. triplet: the directory of its libraries.
    """
    cross_compile: str
    debian: str
    triplet: str


# By the names that kbuild and kunit.py use.
ARCHITECTURES = {
    'arm64': Architecture('aarch64-linux-gnu-', 'arm64', 'aarch64-linux-gnu'),
    'i386': Architecture('', 'i386', 'i386-linux-gnu'),
    'powerpc': Architecture('powerpc64-linux-gnu-', 'ppc64', 'powerpc64-linux-gnu'),
    'riscv': Architecture('riscv64-linux-gnu-', 'riscv64', 'riscv64-linux-gnu'),
    's390': Architecture('s390x-linux-gnu-', 's390x', 's390x-linux-gnu'),
}
