# SPDX-License-Identifier: GPL-2.0-only
"""Directories of the cache with unpacked packages, complete or absent."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from host import lock
from host.console import Progress, UserError
from host.paths import CACHE
from host.pipeline import run_pipeline
from kernel import archive

HOME = CACHE / 'distro'

# The packages for the user space of a guest without files of the host.
USERLAND = ('busybox-static', 'dash', 'kmod')

# The disk space for the packages of a kernel or of a compiler, in bytes.
REQUIRED_SPACE = 1 << 30


def _require_space(directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < REQUIRED_SPACE:
        raise UserError(f'{directory} has {free >> 20} MiB free; the packages of a kernel require '
                        f'{REQUIRED_SPACE >> 20} MiB')


def unpack(debs: Iterable[Path], root: Path, log: Path) -> None:
    """Unpack packages into a directory, in which /bin, /lib, /lib64 and /sbin are links to /usr."""
    for name in ('bin', 'lib', 'lib64', 'sbin'):
        (root / 'usr' / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f'usr/{name}')
    found = list(debs)
    progress = Progress(f'unpacking into {root.name.removesuffix(".part")}', len(found))
    for deb in found:
        progress.step(deb.name)
        run_pipeline([['dpkg-deb', '--fsys-tarfile', deb],
                      ['tar', '-x', '--no-same-owner', '--keep-directory-symlink', '-C', root]],
                     log, f'unpacking {deb.name}')
    progress.done()


def directory(name: str, fill: Callable[[Path], None]) -> Path:
    """Return a directory of the cache; if it is missing, create it.

    fill: writes the content to an empty directory, which then gets the name.
    """
    home = HOME / name
    HOME.mkdir(parents=True, exist_ok=True)
    with lock.held(HOME / '.lock'):
        if home.exists():
            return home
        _require_space(HOME)
        part = home.with_name(f'{name}.part')
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            fill(part)
            os.replace(part, home)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return home


def closure(name: str, release: str, packages: tuple[str, ...], architecture: str = '') -> Path:
    """Return a directory of the cache with packages of a release and their dependencies.

    architecture: that of the packages, by default that of this machine.
    """
    if (HOME / name).exists():
        return HOME / name

    def fill(root: Path) -> None:
        suite = archive.with_backports(release, architecture)
        unpack(suite.download_closure(packages, essential=False), root, suite.log)
        suite.clear()

    return directory(name, fill)


def userland(release: str, architecture: str = '') -> Path:
    """Return the directory with the packages for the user space of a guest; download them if missing."""
    name = f'userland-{release}-{architecture}' if architecture else f'userland-{release}'
    return closure(name, release, USERLAND, architecture)
