# SPDX-License-Identifier: GPL-2.0-only
"""Remove the build output."""

import errno
import fnmatch
import shutil
from pathlib import Path

from host import lock
from host.console import say
from host.paths import BUILD, workbench_link

LOCK = '.lock'

# Patterns of the names that the workbench creates in build/.
OUTPUT = (LOCK, 'arm64-*', 'bench', 'bench-*', 'bench.json', 'bin', 'check-debian', 'check-dkms', 'check-kernels',
          'check-lab', 'check.log', 'coverage', 'deb', 'distro-*', 'docs-*', 'farm', 'files-*', 'job', 'job.part',
          'kdir-*', 'kernels.csv', 'kunit-*', 'last-lint.json*', 'last-test.json*', 'lint', 'linux-*', 'mistakes',
          'results', 's390-*', 'series', 'try', 'try-probe*', 'um', 'um-*', 'x86_64-*')


def is_output(name: str) -> bool:
    """Return whether the workbench creates a file or directory of this name in build/."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in OUTPUT)


def _remove(path: Path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _empty(directory: Path, everything: bool) -> list[str]:
    """Remove the build output in a directory, or everything, the lock last; return the names that are kept."""
    kept = []
    for path in directory.iterdir():
        if path.name == LOCK:
            continue
        if everything or is_output(path.name):
            _remove(path)
        else:
            kept.append(path.name)
    (directory / LOCK).unlink()
    return sorted(kept)


def clean():
    """Remove build/ after waiting for a run that uses it.

    If build/ is a link that the user made, only the build output in its target is removed;
    other files in the target and the link are kept.
    """
    is_link_of_user = BUILD.is_symlink() and not workbench_link()
    directory = BUILD.resolve()
    if directory.is_dir():
        with lock.held(directory / LOCK):
            kept = _empty(directory, everything=not is_link_of_user)
        if kept:
            say(f'{directory}: kept {", ".join(kept)}, which the workbench did not create')
        if not is_link_of_user:
            try:
                directory.rmdir()
            except OSError as error:
                # The next run has started, or the directory is a mount point.
                if error.errno not in (errno.ENOTEMPTY, errno.EBUSY):
                    raise
                return
    if workbench_link():
        BUILD.unlink()
