# SPDX-License-Identifier: GPL-2.0-only
"""Which files a source tree consists of, with git and without."""

import os
import stat
import tempfile
from pathlib import Path

from host import git
from host.console import UserError

# A listing without this file is not that of a tree whose top level has one.
TOP_FILE = 'Makefile'

# Lines of a .gitignore that ignore the tree as a whole. The source package of
# Debian ends with one, since its repository has debian/ alone.
_EVERYTHING = (b'*', b'/*', b'**', b'/**')

# Files with a leading dot that mainline's .gitignore excepts and Debian's does not.
_EXCEPTED = '!.kunitconfig'


def _names_in(output: bytes) -> list[str]:
    """Return the names that git printed, sorted, so that a directory is visited once."""
    return sorted({os.fsdecode(name).rstrip('/') for name in output.split(b'\0') if name})


def _listed(directory: Path) -> list[str]:
    """Return what git lists: the tracked files, and the untracked ones that it does not ignore.

    A submodule and any other repository below is one name.
    """
    result = git.read(directory, 'ls-files', '-z', '--cached', '--others', '--exclude-standard')
    if result.returncode:
        raise UserError(f'git cannot list the files of {directory}: '
                        + result.stderr.decode(errors='replace').strip())
    return _names_in(result.stdout)


def _unignored(directory: Path, *options: str) -> list[str]:
    """List the files in a directory that no .gitignore in it names."""
    with tempfile.TemporaryDirectory(prefix='workbench-git-') as scratch:
        repository = git.Repository(Path(scratch), ('', ''))
        result = git.read(directory, f'--git-dir={repository.directory}/.git',
                          f'--work-tree={directory}', 'ls-files', '-z', '--others',
                          '--exclude-per-directory=.gitignore', f'--exclude={_EXCEPTED}', *options)
    if result.returncode:
        raise UserError(f'git cannot read the .gitignore files of {directory}: '
                        + result.stderr.decode(errors='replace').strip())
    return _names_in(result.stdout)


def _unignored_at_top(directory: Path) -> set[str]:
    """List the entries of a directory that its own .gitignore does not name.

    A line that ignores the tree as a whole does not count.
    """
    with tempfile.TemporaryDirectory(prefix='workbench-ignore-') as scratch:
        model = Path(scratch)
        for entry in os.scandir(directory):
            # git lists no empty directory.
            is_directory = entry.is_dir(follow_symlinks=False)
            file = model / entry.name / 'file' if is_directory else model / entry.name
            file.parent.mkdir(exist_ok=True)
            if is_directory or entry.name != '.gitignore':
                file.touch()
            else:
                rules = Path(entry).read_bytes().splitlines(keepends=True)
                file.write_bytes(b''.join(rule for rule in rules if rule.strip() not in _EVERYTHING))
        return {name.split('/')[0] for name in _unignored(model)}


def _without_git(directory: Path) -> list[str]:
    """List every file but those that the tree's own .gitignore files name."""
    at_top = _unignored_at_top(directory)
    return [name for name in _unignored(directory, '--exclude=!/*') if name.split('/')[0] in at_top]


def _tracked_above(directory: Path) -> bool:
    """Return whether a repository whose top level is above tracks this tree."""
    result = git.read(directory, 'ls-files', '-z', '--cached', '--', TOP_FILE)
    return not result.returncode and bool(result.stdout)


def _names(directory: Path) -> list[str]:
    names = []
    if (directory / '.git').exists() or _tracked_above(directory):
        names = _listed(directory)
    return names if TOP_FILE in names else _without_git(directory)


class _Standing:
    """The state of files, by path, where no directory on the way is a symbolic link."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.known = {'': True}

    def _is_directory(self, name: str) -> bool:
        if name not in self.known:
            state = self.state(name)
            self.known[name] = state is not None and stat.S_ISDIR(state.st_mode)
        return self.known[name]

    def state(self, name: str) -> os.stat_result | None:
        """Return the result of lstat(), None for what is not there."""
        if not self._is_directory(name.rpartition('/')[0]):
            return None
        try:
            return os.lstat(f'{self.directory}/{name}')
        except (FileNotFoundError, NotADirectoryError):
            return None


def files(directory: Path, nested: bool = False) -> dict[str, os.stat_result]:
    """Return the files and symbolic links of a tree: their paths from its top, their states.

    git says which they are. Where git does not know the tree, because there is no
    repository or one above ignores the tree, they are all but those that the
    tree's own .gitignore files name. nested: include those of submodules and of
    other repositories below.
    """
    found = {}
    standing = _Standing(directory)
    pending = [('', _names(directory))]
    while pending:
        prefix, names = pending.pop()
        for name in names:
            name = prefix + name
            state = standing.state(name)
            if state and (stat.S_ISREG(state.st_mode) or stat.S_ISLNK(state.st_mode)):
                found[name] = state
            elif nested and state and os.path.lexists(directory / name / '.git'):
                pending.append((f'{name}/', _listed(directory / name)))
    return found
