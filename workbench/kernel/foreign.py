# SPDX-License-Identifier: GPL-2.0-only
"""The kernel and the kselftests for another architecture, whose guest has no files of the host."""

import shutil
from pathlib import Path

from host.paths import WORKBENCH
from host.process import run_logged
from kernel import archive, build, unpacked
from kernel.architecture import ARCHITECTURES
from kernel.target import Target
from subject.subject import Subject

# The architectures whose guests load filler.c before all other modules.
_FILLED = ('s390',)


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


def build_filler(kernel: ForeignKernel) -> Path | None:
    """Compile filler.c for an architecture that requires it; return the path of the module, None for others."""
    if kernel.target.name not in _FILLED:
        return None
    directory = kernel.out / 'filler'
    directory.mkdir(exist_ok=True)
    shutil.copy(WORKBENCH / 'kernel/filler.c', directory)
    (directory / 'Kbuild').write_text('obj-m := filler.o\n', encoding='utf-8')
    run_logged([*kernel.make(f'M={directory}'), 'modules'], kernel.log('filler'), 'building the filler',
               env=build.compiler_environment())
    return directory / 'filler.ko'


def build_selftests(kernel: ForeignKernel) -> Path:
    """Compile the kselftests as static programs and install them; return their directory."""
    target = kernel.out / 'kselftest_install'
    shutil.rmtree(target, ignore_errors=True)
    run_logged(['make', '-C', kernel.tree / 'tools/testing/selftests', f'O={kernel.out}',
                f'ARCH={kernel.target.name}', f'CROSS_COMPILE={kernel.target.cross_compile}', f'-j{build.JOBS}',
                f'TARGETS={" ".join(kernel.subject.targets)}', 'FORCE_TARGETS=1', 'LDFLAGS=-static -s',
                f'INSTALL_PATH={target}', 'install'],
               kernel.log('selftests'), 'building the selftests', env=build.compiler_environment())
    return target
