# SPDX-License-Identifier: GPL-2.0-only
"""Wait for files to be saved, with inotify."""

import ctypes
import errno
import os
import select
import struct
from collections.abc import Iterable
from pathlib import Path

from host.console import UserError

_IN_CLOSE_WRITE = 0x8
_IN_MOVED_FROM = 0x40
_IN_MOVED_TO = 0x80
_IN_CREATE = 0x100
_IN_DELETE = 0x200
_IN_Q_OVERFLOW = 0x4000
_IN_ISDIR = 0x40000000
_MASK = _IN_CLOSE_WRITE | _IN_MOVED_FROM | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE

_EVENT = struct.Struct('iIII')

# The events of one save come within this time, in seconds: an editor writes several files.
SETTLE = 0.03

_libc = ctypes.CDLL(None, use_errno=True)


class Watcher:
    """Watches directories, without those below them; close() ends it."""

    def __init__(self) -> None:
        self._fd = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._fd < 0:
            raise UserError(f'inotify is not available: {os.strerror(ctypes.get_errno())}')
        self._directories: dict[int, Path] = {}

    def watch(self, directories: Iterable[Path]) -> None:
        """Watch directories; those that are watched or do not exist are ignored."""
        for directory in set(directories) - {*self._directories.values()}:
            number = _libc.inotify_add_watch(self._fd, os.fsencode(directory), _MASK)
            if number >= 0:
                self._directories[number] = directory
            elif ctypes.get_errno() not in (errno.ENOENT, errno.ENOTDIR):
                # ENOSPC is the limit fs.inotify.max_user_watches.
                raise UserError(f'{directory} cannot be watched: {os.strerror(ctypes.get_errno())}')

    def _read(self) -> set[Path]:
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return set()
        found = set()
        offset = 0
        while offset < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, offset)
            offset += _EVENT.size
            name = os.fsdecode(data[offset:offset + length].rstrip(b'\0'))
            offset += length
            directory = self._directories.get(number)
            if mask & _IN_Q_OVERFLOW:
                found |= {*self._directories.values()}
            elif directory and not (mask & _IN_CREATE and not mask & _IN_ISDIR):
                # A new file is reported when it is closed.
                found.add(directory / name)
        return found

    def wait(self, seconds: float) -> set[Path]:
        """Return the files that were saved or removed; wait for the first one for some seconds."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return set()
        found = self._read()
        while select.select([self._fd], [], [], SETTLE)[0]:
            found |= self._read()
        return found

    def close(self) -> None:
        """End the watch."""
        os.close(self._fd)
