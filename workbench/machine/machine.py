# SPDX-License-Identifier: GPL-2.0-only
"""The interface of a machine; each kind of machine has a class in its own file."""

import abc
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.build import Kernel
from kernel.target import Target


@dataclass(frozen=True)
class Machine(Target, abc.ABC):
    """A kind of machine, which boots the kernel of its target.

    terminal: the name of the terminal in the guest. slowness: the factor by which limits
    are longer than on um. parallel_guests: the number of guests that run efficiently on
    one processor. share: the file system with which the guest mounts directories of the
    host. has_kvm: whether the machine can use KVM.
    """
    terminal: str = ''
    slowness: int = 1
    parallel_guests: int = 1
    share: str = ''
    has_kvm: bool = False

    @abc.abstractmethod
    def capacity(self, guests: int) -> tuple[int, dict[str, Any]]:
        """Return how many of some guests fit into memory at a time, and arguments of boot() for their location."""

    @abc.abstractmethod
    def boot(self, kernel: Kernel, shared: list[Path], log: int, tty: int | None = None, extra: tuple = (),
             options: tuple = (), processors: int = 2, **location: Any) -> subprocess.Popen:
        """Start a kernel; return the child process.

        shared: the directories of the host that the guest mounts for writing; the first
        one is the run directory. log: a descriptor for the kernel log. tty: a descriptor
        of the terminal, if the guest gets it. extra: further arguments of the virtual
        machine. options: further options on the kernel command line. processors: the
        number of processors of the guest.
        """

    def save_measurements(self, kernel: Kernel, log: Path) -> None:
        """Save values that a kernel measured while it booted, so that later boots do not measure them.

        log: the kernel log of a guest whose kernel powered off.
        """
