# SPDX-License-Identifier: GPL-2.0-only
"""Locks between processes; a process that waits for one prints its holder."""

import contextlib
import fcntl
import os
import re
from pathlib import Path

from host.console import say

# How much of a command line is shown.
_DESCRIBED = 70


def _holders(status: os.stat_result):
    """The processes that hold a lock on a file, as far as the kernel shows them."""
    with contextlib.suppress(OSError):
        for line in Path('/proc/locks').read_text(encoding='ascii').splitlines():
            fields = line.split()
            # A process that waits has an arrow in its line. File systems with
            # several devices, such as btrfs, show another device than stat() does.
            if '->' not in fields and fields[5].rpartition(':')[2] == str(status.st_ino):
                yield int(fields[4])


def _command(pid: int) -> str:
    """What a process runs, as its user would type it."""
    try:
        words = Path(f'/proc/{pid}/cmdline').read_bytes().decode(errors='replace').split('\0')
    except OSError:
        return ''
    for word, after in zip(words, words[1:]):
        if os.path.basename(word) == 'workbench' and re.fullmatch('[a-z-]+', after):
            return f'make {after}'
    return ' '.join(words).strip()[:_DESCRIBED]


def _holder(path: Path, status: os.stat_result) -> str:
    for pid in _holders(status):
        command = _command(pid)
        if command:
            return f'PID {pid}: {command}'
    return f'the lock {path}'


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except (IsADirectoryError, PermissionError):
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        # "make clean" has removed the directory as well.
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)


def acquire(path: Path) -> int:
    """Lock a file, which is created if need be, or a directory; return its descriptor.

    The lock lasts until the descriptor is closed, at the latest until this
    process ends. If another process holds it, say which one, and wait.
    """
    said = False
    while True:
        lock = _open(path)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not said:
                    say(f'waiting for {_holder(path, os.fstat(lock))}')
                    said = True
                fcntl.flock(lock, fcntl.LOCK_EX)
            # "make clean" removes the file while it holds the lock.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), os.stat(path)):
                    return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


@contextlib.contextmanager
def held(path: Path):
    """Hold the lock on a file or a directory for a with statement."""
    lock = acquire(path)
    try:
        yield
    finally:
        os.close(lock)
