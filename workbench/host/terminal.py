# SPDX-License-Identifier: GPL-2.0-only
"""Give the terminal to a guest, and restore it afterwards."""

import contextlib
import fcntl
import os
import termios
from collections.abc import Iterator


def _reopen(fd: int) -> int:
    """Return a descriptor of the same terminal with a new open file description.

    Flags that a guest sets on it, such as O_NONBLOCK, do not affect the shell of the
    user, even if this process is killed. If the terminal cannot be opened, because it
    belongs to another user, the description is shared.
    """
    try:
        return os.open(f'/proc/self/fd/{fd}', os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return os.dup(fd)


@contextlib.contextmanager
def preserved(fd: int = 0) -> Iterator[int]:
    """Yield a descriptor of the terminal for a guest, and restore the terminal at the end.

    Restores the settings of the terminal and the file status flags of the standard
    files.
    """
    settings = termios.tcgetattr(fd)
    flags = {}
    for each in {fd, 0, 1, 2}:
        with contextlib.suppress(OSError):
            flags[each] = fcntl.fcntl(each, fcntl.F_GETFL)
    guest_fd = _reopen(fd)
    try:
        yield guest_fd
    finally:
        os.close(guest_fd)
        for each, saved in flags.items():
            with contextlib.suppress(OSError):
                fcntl.fcntl(each, fcntl.F_SETFL, saved)
        # It fails when the terminal was closed.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSADRAIN, settings)
