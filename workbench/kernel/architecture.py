# SPDX-License-Identifier: GPL-2.0-only
"""The processor architectures that kunit.py boots in QEMU."""

# The prefix of the compiler for each architecture, as kbuild names it; '' for that of the host.
CROSS_COMPILE = {
    'arm64': 'aarch64-linux-gnu-',
    'i386': '',
    'powerpc': 'powerpc64-linux-gnu-',
    'riscv': 'riscv64-linux-gnu-',
    's390': 's390x-linux-gnu-',
}
