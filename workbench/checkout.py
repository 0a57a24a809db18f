# SPDX-License-Identifier: GPL-2.0-only
"""The files of the repository, as they were checked out."""

import os

import git
from console import UserError
from paths import REPO

# What is made here, where there is no git to ask: the lines of .gitignore.
_MADE = ('build', '__pycache__')


def _walk(under):
    """The same without git, for sources that were unpacked from an archive."""
    for name in under or ('.',):
        if (REPO / name).is_file():
            yield name
        for directory, directories, names in os.walk(REPO / name):
            directories[:] = [name for name in directories if name not in _MADE]
            yield from (os.path.relpath(os.path.join(directory, name), REPO)
                        for name in names if not name.endswith('.pyc'))


def files(*under):
    """The files in the directories given, or in all: their paths from its root, sorted.

    git is asked, so that what was built in the repository stays out; a new file
    that is not committed yet belongs to it.
    """
    if not any((path / '.git').exists() for path in (REPO, *REPO.parents)):
        return sorted(_walk(under))
    result = git.read(REPO, 'ls-files', '-z', '--cached', '--others', '--exclude-standard',
                      '--', *under)
    if result.returncode:
        raise UserError(f'git cannot list the files of {REPO}: '
                        + result.stderr.decode(errors='replace').strip())
    names = {os.fsdecode(name) for name in result.stdout.split(b'\0') if name}
    # One that was removed, and not yet from git's index, is none.
    return sorted(name for name in names if (REPO / name).is_file())
