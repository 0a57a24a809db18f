# SPDX-License-Identifier: GPL-2.0-only
"""Lend the terminal to a guest, and restore it afterwards."""

import contextlib
import fcntl
import os
import termios
from collections.abc import Iterator


def _open_again(fd: int) -> int:
    """Return a descriptor of the same terminal, on an open file description of its own.

    What a guest sets on it, such as O_NONBLOCK, then does not reach the caller's
    shell even if this process is killed. Where the terminal cannot be opened
    again (it may be another user's), the description is shared.
    """
    try:
        return os.open(f'/proc/self/fd/{fd}', os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return os.dup(fd)


@contextlib.contextmanager
def lent(fd: int = 0) -> Iterator[int]:
    """Yield a descriptor of the terminal for a guest, and restore the terminal at the end.

    The settings of the terminal and the file status flags of the standard files
    are restored.
    """
    settings = termios.tcgetattr(fd)
    flags = {}
    for each in {fd, 0, 1, 2}:
        with contextlib.suppress(OSError):
            flags[each] = fcntl.fcntl(each, fcntl.F_GETFL)
    guests = _open_again(fd)
    try:
        yield guests
    finally:
        os.close(guests)
        for each, was in flags.items():
            with contextlib.suppress(OSError):
                fcntl.fcntl(each, fcntl.F_SETFL, was)
        # The terminal may be gone, which is why this process ends.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSADRAIN, settings)
