# SPDX-License-Identifier: GPL-2.0-only
"""Hold back a guest that has booted until its command is known, and send lines to the command.

A guest boots while the host still builds the modules. It waits in a read from a console,
which takes no time of the processor.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

# The console in the guest that the gate is connected to, and the descriptor of the command for it.
CONSOLE = '/dev/tty2'
DESCRIPTOR = 3

# The file in the run directory with which the guest shows that it waits.
READY = 'ready'


class Gate:
    """The gate of one guest, for guest.run(); close() releases it after the run."""

    def __init__(self, on_attach: Callable[[], None] = lambda: None) -> None:
        """on_attach: is called when the guest waits."""
        self.read_end, self._write_end = os.pipe()
        self._lock = threading.Lock()
        self._directory: Path | None = None
        self._command: str | None = None
        self._lines: list[str] = []
        self._closed = False
        self._on_attach = on_attach

    @property
    def is_open(self) -> bool:
        """Return whether the guest has got its command."""
        return self._command is not None

    def attach(self, directory: Path) -> None:
        """Note that the guest with this run directory waits; lines that arrive earlier would be lost."""
        with self._lock:
            self._directory = directory
            self._pass_on()
        self._on_attach()

    @property
    def is_attached(self) -> bool:
        """Return whether the guest waits, or has waited."""
        return self._directory is not None

    def open(self, command: str) -> None:
        """Let the guest run a shell command; the modules of the kernel are built."""
        with self._lock:
            self._command = command
            self._lines = ['go', *self._lines]
            self._pass_on()

    def send(self, line: str) -> None:
        """Write a line to the command, which reads it from DESCRIPTOR."""
        with self._lock:
            self._lines.append(line)
            self._pass_on()

    def _pass_on(self) -> None:
        if self._directory is None or self._command is None or self._closed:
            return
        # The guest has ended, or has been stopped, if it has no directory or does not read.
        with contextlib.suppress(FileNotFoundError, BrokenPipeError):
            if 'go' in self._lines[:1]:
                (self._directory / 'command').write_text(f'{self._command}\n', encoding='utf-8')
            os.write(self._write_end, ''.join(f'{line}\n' for line in self._lines).encode())
        self._lines = []

    def close(self) -> None:
        """Close the descriptors; the guest has ended."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self.read_end)
                os.close(self._write_end)
