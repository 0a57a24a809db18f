# SPDX-License-Identifier: GPL-2.0-only
"""A copy of the user's tree, which a later run brings up to date."""

import contextlib
import json
import os
import shutil
import stat
from pathlib import Path

from host.console import Progress, UserError


def _signature(state: os.stat_result) -> int:
    """Return a number that changes when a file does, whatever its modification time says."""
    return hash((state.st_mode, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino))


def _content(path: str, state: os.stat_result) -> bytes:
    """Return what is in a file, or where a symbolic link leads."""
    if stat.S_ISLNK(state.st_mode):
        return os.readlink(os.fsencode(path))
    with open(path, 'rb', buffering=0) as file:
        return file.readall()


def _state(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


class Mirror:
    """A directory with a copy of some files, and a record of what was copied.

    The directory may have other files, such as those of a graft. The record maps
    the path of each copied file to the signatures of the original and of the copy,
    or to None while it is being copied.

    The modification time of a copied file is when it was copied: kbuild then
    compiles it even when the original is older than the object, as after cp -p.
    A copy that has the content of its original is not touched.
    """

    def __init__(self, directory: Path, record: Path):
        self.directory, self.record = directory, record
        self.made = {''}
        try:
            self.copied = json.loads(record.read_text(encoding='utf-8'))
            self.is_known = directory.is_dir() and isinstance(self.copied, dict)
        except (OSError, ValueError):
            self.is_known = False
        if not self.is_known:
            self.copied = {}

    def _save(self) -> None:
        part = self.record.with_name(f'{self.record.name}.part')
        part.write_text(json.dumps(self.copied), encoding='utf-8')
        os.replace(part, self.record)

    def _is_current(self, name: str, state: os.stat_result) -> bool:
        known = self.copied.get(name)
        if not known or known[0] != _signature(state):
            return False
        own = _state(f'{self.directory}/{name}')
        return own is not None and known[1] == _signature(own)

    def remove(self, name: str) -> None:
        """Remove a file, and the directories that are empty then."""
        with contextlib.suppress(OSError):
            os.unlink(f'{self.directory}/{name}')
            while name := os.path.dirname(name):
                os.rmdir(f'{self.directory}/{name}')

    def _make_directory(self, name: str) -> None:
        """Make a directory where there may be a file or a symbolic link."""
        if name in self.made:
            return
        self._make_directory(os.path.dirname(name))
        path = f'{self.directory}/{name}'
        state = _state(path)
        if state and not stat.S_ISDIR(state.st_mode):
            os.unlink(path)
            state = None
        if not state:
            os.mkdir(path)
        self.made.add(name)

    def _write(self, name: str, state: os.stat_result, content: bytes) -> None:
        """Write a file, or a symbolic link, in place of whatever is there."""
        self._make_directory(os.path.dirname(name))
        path = f'{self.directory}/{name}'
        own = _state(path)
        if own:
            shutil.rmtree(path) if stat.S_ISDIR(own.st_mode) else os.unlink(path)
        if stat.S_ISLNK(state.st_mode):
            os.symlink(content, os.fsencode(path))
        else:
            with open(path, 'xb', buffering=0) as file:
                file.write(content)

    def _copy(self, original: str, name: str) -> bool:
        """Copy a file unless the copy has its content; return whether there is one still."""
        state = _state(original)
        if not state:
            return False
        try:
            content = _content(original, state)
        except PermissionError as error:
            raise UserError(f'{original} cannot be copied: {error.strerror}') from None
        path = f'{self.directory}/{name}'
        own = _state(path)
        if not own or stat.S_IFMT(own.st_mode) != stat.S_IFMT(state.st_mode) \
           or own.st_size != state.st_size or _content(path, own) != content:
            self._write(name, state, content)
            own = os.lstat(path)
        mode = stat.S_IMODE(state.st_mode) & 0o777
        if stat.S_ISREG(state.st_mode) and stat.S_IMODE(own.st_mode) != mode:
            os.chmod(path, mode)
            own = os.lstat(path)
        self.copied[name] = [_signature(state), _signature(own)]
        return True

    def update(self, source: Path, files: dict[str, os.stat_result]) -> None:
        """Make the copied files those of source that are named.

        files maps the path of each to the result of lstat().
        """
        gone = self.copied.keys() - files.keys()
        pending = [name for name, state in files.items() if not self._is_current(name, state)]
        if not gone and not pending:
            return
        if not self.is_known:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory.mkdir()
        # First, so that an interrupted update is completed.
        self.copied.update(dict.fromkeys(pending))
        self._save()
        for name in gone:
            self.remove(name)
            del self.copied[name]
        progress = Progress(f'copying {source}', len(pending))
        for progress.steps, name in enumerate(pending):
            progress.step_name = name
            progress.tick()
            if not self._copy(f'{source}/{name}', name):
                self.remove(name)
                del self.copied[name]
        self._save()
        if progress.shown:
            progress.done()

    def accept(self, source: Path, names: list[str]) -> None:
        """Take the present content of these files for that of their originals.

        A graft has changed them, and the next update is not to undo it.
        """
        for name in names:
            if name in self.copied:
                self.copied[name] = [_signature(os.lstat(path / name))
                                     for path in (source, self.directory)]
        self._save()

    def forget(self, names: list[str]) -> None:
        """Compare these files with their originals at the next update."""
        self.copied.update({name: None for name in names if name in self.copied})

    def signatures(self) -> dict[str, int]:
        """Map each copied file to a value that changes when the copy does."""
        return {name: known and known[1] for name, known in self.copied.items()}
