# SPDX-License-Identifier: GPL-2.0-only
"""Root directories of Debian releases, made of packages without root's privileges.

They are for booting, not for running in: nothing is configured.
"""

import os
import shutil
from pathlib import Path

from host import lock
from host.console import Progress
from host.paths import CACHE
from host.pipeline import run_pipeline
from kernel import archive

# The releases that the workbench supports, by number.
RELEASES = {'12': 'bookworm', '13': 'trixie'}

# What the guest requires beyond what is essential.
PACKAGES = ('kmod', 'mount', 'perl', 'python3')

# Directories that are links in a system whose /usr is merged.
_MERGED = ('bin', 'lib', 'lib64', 'sbin')


def _fill(root: Path, suite: archive.Archive) -> None:
    for name in _MERGED:
        (root / 'usr' / name).mkdir(parents=True)
        (root / name).symlink_to(f'usr/{name}')
    for name in ('dev', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp'):
        (root / name).mkdir()
    debs = suite.download_closure(PACKAGES)
    progress = Progress(f'unpacking {suite.suite}', len(debs))
    for deb in debs:
        progress.step(deb.name)
        run_pipeline([['dpkg-deb', '--fsys-tarfile', deb],
                      ['tar', '-x', '--keep-directory-symlink', '-C', root]],
                     suite.log, f'unpacking {deb.name}')
    progress.done()
    suite.clear()
    # These are made when packages are configured.
    for name in ('passwd', 'group'):
        shutil.copyfile(root / f'usr/share/base-passwd/{name}.master', root / f'etc/{name}')
    if not (root / 'bin/sh').exists():
        (root / 'bin/sh').symlink_to('dash')


def root_of(release: str) -> Path:
    """Return a directory with the root of a release, from the cache or fetched."""
    suite = RELEASES[release]
    home = CACHE / 'roots' / suite
    home.parent.mkdir(parents=True, exist_ok=True)
    with lock.held(home.with_name(f'.{suite}.lock')):
        if home.exists():
            return home
        part = home.with_name(f'{suite}.part')
        shutil.rmtree(part, ignore_errors=True)
        try:
            _fill(part, archive.suite(suite))
            os.replace(part, home)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return home
