# SPDX-License-Identifier: GPL-2.0-only
"""Remove the build output, and nothing else."""

import errno
import fnmatch
import shutil
from pathlib import Path

from host import lock
from host.console import say
from host.paths import BUILD, workbench_link

LOCK = '.lock'

# What the workbench makes in build/.
OUTPUT = (LOCK, 'bench', 'bench-*', 'bench.json', 'bin', 'check-debian', 'check.log', 'docs-*', 'files-*', 'kdir-*',
          'kunit-*', 'last-lint.json*', 'last-test.json*', 'lint', 'linux-*', 'results', 'series', 'try', 'um', 'um-*',
          'x86_64-*')


def is_output(name: str) -> bool:
    """Whether something of this name in build/ was made by the workbench."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in OUTPUT)


def _remove(path: Path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _empty(directory: Path, everything: bool) -> list[str]:
    """Remove what is in a directory, the lock last; return the names of what is left."""
    left = []
    for path in directory.iterdir():
        if path.name == LOCK:
            continue
        if everything or is_output(path.name):
            _remove(path)
        else:
            left.append(path.name)
    (directory / LOCK).unlink()
    return sorted(left)


def clean():
    """Remove build/, when no run uses it any more.

    Where build/ is a link of the user's, the directory that it leads to may
    have other content, which stays, and so does the link.
    """
    theirs = BUILD.is_symlink() and not workbench_link()
    directory = BUILD.resolve()
    if directory.is_dir():
        with lock.held(directory / LOCK):
            left = _empty(directory, everything=not theirs)
        if left:
            say(f'{directory}: the workbench did not make {", ".join(left)}, which stays')
        if not theirs:
            try:
                directory.rmdir()
            except OSError as error:
                # The next run has begun, or a file system is mounted here.
                if error.errno not in (errno.ENOTEMPTY, errno.EBUSY):
                    raise
                return
    if workbench_link():
        BUILD.unlink()
