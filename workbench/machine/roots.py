# SPDX-License-Identifier: GPL-2.0-only
"""Create root directories of Debian releases from packages, without root privileges.

A guest boots from such a directory. Its packages are unpacked but not configured.
"""

import os
import shutil
from pathlib import Path

from host import lock
from host.console import Progress
from host.paths import CACHE
from host.pipeline import run_pipeline
from kernel import archive

# The code names of the releases that the workbench supports, by number.
RELEASES = {'12': 'bookworm', '13': 'trixie'}

# The packages that the guest requires in addition to the essential ones.
PACKAGES = ('kmod', 'mount', 'perl', 'python3')

# Directories that are links in a system with a merged /usr.
_MERGED = ('bin', 'lib', 'lib64', 'sbin')


def _fill(root: Path, suite: archive.Archive, packages: tuple[str, ...]) -> None:
    for name in _MERGED:
        (root / 'usr' / name).mkdir(parents=True)
        (root / name).symlink_to(f'usr/{name}')
    for name in ('dev', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp'):
        (root / name).mkdir()
    debs = suite.download_closure(packages)
    progress = Progress(f'unpacking {suite.suite}', len(debs))
    for deb in debs:
        progress.step(deb.name)
        run_pipeline([['dpkg-deb', '--fsys-tarfile', deb],
                      ['tar', '-x', '--keep-directory-symlink', '-C', root]],
                     suite.log, f'unpacking {deb.name}')
    progress.done()
    suite.clear()
    # The configuration of packages would create these files.
    for name in ('passwd', 'group'):
        shutil.copyfile(root / f'usr/share/base-passwd/{name}.master', root / f'etc/{name}')
    if not (root / 'bin/sh').exists():
        (root / 'bin/sh').symlink_to('dash')


def root_of(release: str, packages: tuple[str, ...] = PACKAGES, prefix: str = '') -> Path:
    """Return the root directory of a release from the cache; create it if it is missing.

    packages: those in addition to the essential ones. prefix: distinguishes directories with
    other packages.
    """
    suite = RELEASES[release]
    home = CACHE / 'roots' / f'{prefix}{suite}'
    home.parent.mkdir(parents=True, exist_ok=True)
    with lock.held(home.with_name(f'.{home.name}.lock')):
        if home.exists():
            return home
        part = home.with_name(f'{home.name}.part')
        shutil.rmtree(part, ignore_errors=True)
        try:
            _fill(part, archive.suite(suite), packages)
            os.replace(part, home)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return home
