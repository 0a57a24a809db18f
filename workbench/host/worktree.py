# SPDX-License-Identifier: GPL-2.0-only
"""List the files of a source tree, with git and without."""

import os
import stat
import tempfile
from pathlib import Path

from host import git
from host.console import UserError

# Every tree has this file. A list of git that lacks it is not that of the tree.
TOP_FILE = 'Makefile'

# Lines of a .gitignore that ignore the whole tree. The source package of Debian has
# one, since its repository contains debian/ only.
_IGNORE_ALL = (b'*', b'/*', b'**', b'/**')

# The .gitignore of Debian ignores these files, that of mainline does not.
_NOT_IGNORED = '!.kunitconfig'


def _split_names(output: bytes) -> list[str]:
    """Return the names that git printed, each once, sorted by directory."""
    return sorted({os.fsdecode(name).rstrip('/') for name in output.split(b'\0') if name})


def _list_with_git(directory: Path) -> list[str]:
    """Return the files that git tracks, and the untracked ones that it does not ignore.

    A submodule, and any other repository below, is a single name.
    """
    result = git.read(directory, 'ls-files', '-z', '--cached', '--others', '--exclude-standard')
    if result.returncode:
        raise UserError(f'git cannot list the files of {directory}: '
                        + result.stderr.decode(errors='replace').strip())
    return _split_names(result.stdout)


def _unignored(directory: Path, *options: str) -> list[str]:
    """Return the files in a directory that no .gitignore in it ignores."""
    with tempfile.TemporaryDirectory(prefix='workbench-git-') as scratch:
        repository = git.Repository(Path(scratch), ('', ''))
        result = git.read(directory, f'--git-dir={repository.directory}/.git',
                          f'--work-tree={directory}', 'ls-files', '-z', '--others',
                          '--exclude-per-directory=.gitignore', f'--exclude={_NOT_IGNORED}', *options)
    if result.returncode:
        raise UserError(f'git cannot read the .gitignore files of {directory}: '
                        + result.stderr.decode(errors='replace').strip())
    return _split_names(result.stdout)


def _unignored_at_top(directory: Path) -> set[str]:
    """Return the entries of a directory that its own .gitignore does not ignore.

    Lines that ignore the whole tree have no effect.
    """
    with tempfile.TemporaryDirectory(prefix='workbench-ignore-') as scratch:
        model = Path(scratch)
        for entry in os.scandir(directory):
            # A directory requires a file, since git does not list empty directories.
            is_directory = entry.is_dir(follow_symlinks=False)
            file = model / entry.name / 'file' if is_directory else model / entry.name
            file.parent.mkdir(exist_ok=True)
            if is_directory or entry.name != '.gitignore':
                file.touch()
            else:
                rules = Path(entry).read_bytes().splitlines(keepends=True)
                file.write_bytes(b''.join(rule for rule in rules if rule.strip() not in _IGNORE_ALL))
        return {name.split('/')[0] for name in _unignored(model)}


def _list_without_git(directory: Path) -> list[str]:
    """Return all files except those that the .gitignore files of the tree ignore."""
    at_top = _unignored_at_top(directory)
    return [name for name in _unignored(directory, '--exclude=!/*') if name.split('/')[0] in at_top]


def _is_tracked(directory: Path) -> bool:
    """Return whether a repository tracks the tree; its top may be a directory above."""
    result = git.read(directory, 'ls-files', '-z', '--cached', '--', TOP_FILE)
    return not result.returncode and bool(result.stdout)


def _list_names(directory: Path) -> list[str]:
    names = []
    if (directory / '.git').exists() or _is_tracked(directory):
        names = _list_with_git(directory)
    return names if TOP_FILE in names else _list_without_git(directory)


class _States:
    """The results of lstat() in a tree. A path through a symbolic link does not exist."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.checked = {'': True}

    def _is_directory(self, name: str) -> bool:
        if name not in self.checked:
            state = self.get(name)
            self.checked[name] = state is not None and stat.S_ISDIR(state.st_mode)
        return self.checked[name]

    def get(self, name: str) -> os.stat_result | None:
        """Return the result of lstat(), None if the file does not exist."""
        if not self._is_directory(name.rpartition('/')[0]):
            return None
        try:
            return os.lstat(f'{self.directory}/{name}')
        except (FileNotFoundError, NotADirectoryError):
            return None


def files(directory: Path, nested: bool = False) -> dict[str, os.stat_result]:
    """Map the files and symbolic links of a tree, by paths relative to its top, to their states.

    The tree consists of the files that git tracks, and of the untracked ones that it
    does not ignore. Without a repository, or if a repository above ignores the tree,
    it consists of all files that its own .gitignore files do not ignore. nested:
    include submodules and other repositories below.
    """
    found = {}
    states = _States(directory)
    pending = [('', _list_names(directory))]
    while pending:
        prefix, names = pending.pop()
        for name in names:
            name = prefix + name
            state = states.get(name)
            if state and (stat.S_ISREG(state.st_mode) or stat.S_ISLNK(state.st_mode)):
                found[name] = state
            elif nested and state and os.path.lexists(directory / name / '.git'):
                pending.append((f'{name}/', _list_with_git(directory / name)))
    return found
