# SPDX-License-Identifier: GPL-2.0-only
"""What every kind of machine provides: one class for each kind, in a file of its own."""

import abc
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.build import Kernel
from kernel.target import Target


@dataclass(frozen=True)
class Machine(Target, abc.ABC):
    """A kind of machine that boots the kernel of its target.

    terminal: the guest's name for the terminal of a shell. slowness: how many times
    longer than on um something may take. parallel_guests: how many guests use one
    processor well. share: how the guest mounts directories of the host. has_kvm:
    whether KVM can run it.
    """
    terminal: str = ''
    slowness: int = 1
    parallel_guests: int = 1
    share: str = ''
    has_kvm: bool = False

    @abc.abstractmethod
    def room(self, guests: int) -> tuple[int, dict[str, Any]]:
        """Return how many of some guests have room at a time, and the arguments of boot() that say where."""

    @abc.abstractmethod
    def boot(self, kernel: Kernel, shared: list[Path], log: int, tty: int | None = None, extra: tuple = (),
             options: tuple = (), processors: int = 2, **where: Any) -> subprocess.Popen:
        """Start a kernel, and return the child that it is.

        shared: the directories of the host that the guest mounts to write to, the
        first being that of the run. log: a descriptor for the kernel log. tty: one
        of the terminal that the guest gets. extra: more arguments of a virtual machine.
        options: more for the command line of the kernel. processors: how many the
        guest has.
        """
