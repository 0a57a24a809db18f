# SPDX-License-Identifier: GPL-2.0-only
"""Locks between processes. A process that waits for a lock prints its holder."""

import contextlib
import fcntl
import os
import re
from pathlib import Path

from host.console import say

# The longest command line in a message, in characters.
_MAX_COMMAND = 70


def _holders(status: os.stat_result):
    """Yield the PIDs of the processes that hold a lock on a file and are visible in /proc."""
    with contextlib.suppress(OSError):
        for line in Path('/proc/locks').read_text(encoding='ascii').splitlines():
            fields = line.split()
            # An arrow marks a process that waits. The device is not compared: file
            # systems with several devices, such as btrfs, show another one than stat().
            if '->' not in fields and fields[5].rpartition(':')[2] == str(status.st_ino):
                yield int(fields[4])


def _command(pid: int) -> str:
    """Return the command line of a process; "make COMMAND" for a run of the workbench."""
    try:
        words = Path(f'/proc/{pid}/cmdline').read_bytes().decode(errors='replace').split('\0')
    except OSError:
        return ''
    for word, following in zip(words, words[1:]):
        if os.path.basename(word) == 'workbench' and re.fullmatch('[a-z-]+', following):
            return f'make {following}'
    return ' '.join(words).strip()[:_MAX_COMMAND]


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
    """Lock a file, created if missing, or a directory; return its descriptor.

    Closing the descriptor releases the lock. If another process holds the lock,
    print which one, and wait.
    """
    notified = False
    while True:
        lock = _open(path)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not notified:
                    say(f'waiting for {_holder(path, os.fstat(lock))}')
                    notified = True
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
    """Hold the lock on a file or a directory in a with statement."""
    lock = acquire(path)
    try:
        yield
    finally:
        os.close(lock)
