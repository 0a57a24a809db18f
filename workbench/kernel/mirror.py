# SPDX-License-Identifier: GPL-2.0-only
"""Copy a tree of the user incrementally."""

import contextlib
import json
import os
import shutil
import stat
from pathlib import Path

from host.console import Progress, UserError


def _signature(state: os.stat_result) -> int:
    """Return a number that changes with the file, even if its modification time does not."""
    return hash((state.st_mode, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino))


def _content(path: str, state: os.stat_result) -> bytes:
    """Return the content of a file, or the target of a symbolic link."""
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
    """A directory with copies of files, and a record of the copies.

    The directory may contain other files, such as those of a graft. The record maps
    the path of each copied file to the signatures of the original and of the copy,
    or to None until it is copied.

    The modification time of a copy is the time of copying, so that kbuild compiles it
    even if the original is older than the object, as after cp -p. A copy with the
    content of its original is not written.
    """

    def __init__(self, directory: Path, record: Path):
        self.directory, self.record = directory, record
        self.created = {''}
        try:
            self.copied = json.loads(record.read_text(encoding='utf-8'))
            self.is_valid = directory.is_dir() and isinstance(self.copied, dict)
        except (OSError, ValueError):
            self.is_valid = False
        if not self.is_valid:
            self.copied = {}

    def _save(self) -> None:
        part = self.record.with_name(f'{self.record.name}.part')
        part.write_text(json.dumps(self.copied), encoding='utf-8')
        os.replace(part, self.record)

    def _is_current(self, name: str, state: os.stat_result) -> bool:
        signatures = self.copied.get(name)
        if not signatures or signatures[0] != _signature(state):
            return False
        copy_state = _state(f'{self.directory}/{name}')
        return copy_state is not None and signatures[1] == _signature(copy_state)

    def remove(self, name: str) -> None:
        """Remove a file, and the directories that become empty."""
        with contextlib.suppress(OSError):
            os.unlink(f'{self.directory}/{name}')
            while name := os.path.dirname(name):
                os.rmdir(f'{self.directory}/{name}')

    def _make_directory(self, name: str) -> None:
        """Create a directory; replace a file or a symbolic link of that name."""
        if name in self.created:
            return
        self._make_directory(os.path.dirname(name))
        path = f'{self.directory}/{name}'
        state = _state(path)
        if state and not stat.S_ISDIR(state.st_mode):
            os.unlink(path)
            state = None
        if not state:
            os.mkdir(path)
        self.created.add(name)

    def _write(self, name: str, state: os.stat_result, content: bytes) -> None:
        """Write a file or a symbolic link; replace anything of that name."""
        self._make_directory(os.path.dirname(name))
        path = f'{self.directory}/{name}'
        copy_state = _state(path)
        if copy_state:
            shutil.rmtree(path) if stat.S_ISDIR(copy_state.st_mode) else os.unlink(path)
        if stat.S_ISLNK(state.st_mode):
            os.symlink(content, os.fsencode(path))
        else:
            with open(path, 'xb', buffering=0) as file:
                file.write(content)

    def _copy(self, original: str, name: str) -> bool:
        """Copy a file, unless the copy has the same content; return whether the original exists."""
        state = _state(original)
        if not state:
            return False
        try:
            content = _content(original, state)
        except PermissionError as error:
            raise UserError(f'{original} cannot be copied: {error.strerror}') from None
        path = f'{self.directory}/{name}'
        copy_state = _state(path)
        if not copy_state or stat.S_IFMT(copy_state.st_mode) != stat.S_IFMT(state.st_mode) \
           or copy_state.st_size != state.st_size or _content(path, copy_state) != content:
            self._write(name, state, content)
            copy_state = os.lstat(path)
        mode = stat.S_IMODE(state.st_mode) & 0o777
        if stat.S_ISREG(state.st_mode) and stat.S_IMODE(copy_state.st_mode) != mode:
            os.chmod(path, mode)
            copy_state = os.lstat(path)
        self.copied[name] = [_signature(state), _signature(copy_state)]
        return True

    def update(self, source: Path, files: dict[str, os.stat_result]) -> None:
        """Copy files of source that have changed, and remove copies of all others.

        files: maps the paths of the files in source to the results of lstat().
        """
        deleted = self.copied.keys() - files.keys()
        pending = [name for name, state in files.items() if not self._is_current(name, state)]
        if not deleted and not pending:
            return
        if not self.is_valid:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory.mkdir()
        # Recorded first, so that the next update completes an interrupted one.
        self.copied.update(dict.fromkeys(pending))
        self._save()
        for name in deleted:
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
        """Record the present content of files as copies of their originals in source.

        The next update then keeps the changes of a graft.
        """
        for name in names:
            if name in self.copied:
                self.copied[name] = [_signature(os.lstat(path / name))
                                     for path in (source, self.directory)]
        self._save()

    def invalidate(self, names: list[str]) -> None:
        """Let the next update compare files with their originals."""
        self.copied.update({name: None for name in names if name in self.copied})

    def signatures(self) -> dict[str, int]:
        """Map each copied file to a value that changes with the copy."""
        return {name: signatures and signatures[1] for name, signatures in self.copied.items()}
