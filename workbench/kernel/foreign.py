# SPDX-License-Identifier: GPL-2.0-only
"""The kernel and the kselftests for another architecture, whose guest has no files of the host."""

import shutil
from pathlib import Path

from kernel import archive, build, unpacked
from kernel.architecture import ARCHITECTURES
from kernel.target import Target
from subject.subject import Subject


class ForeignKernel(build.Kernel):
    """A kernel for another architecture, built or to be built.

    initrds: the initial RAM disks of its guest. triplet: the directory of the libraries.
    """

    def __init__(self, tree: Path, target: Target, subject: Subject):
        super().__init__(tree, target, subject)
        self.architecture = ARCHITECTURES[target.name]
        self.triplet = self.architecture.triplet
        self.initrds: list[Path] = []

    @property
    def userland(self) -> Path:
        """Return the directory with the packages for the user space of a guest."""
        return unpacked.userland(archive.codename(), self.architecture.debian)


def build_selftests(kernel: ForeignKernel) -> Path:
    """Compile the kselftests as static programs and install them; return their directory."""
    target = kernel.out / 'kselftest_install'
    shutil.rmtree(target, ignore_errors=True)
    build.make_selftests(kernel, 'LDFLAGS=-static -s', f'INSTALL_PATH={target}', 'install')
    return target
