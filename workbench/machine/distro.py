# SPDX-License-Identifier: GPL-2.0-only
"""The machine for an unmodified kernel of Debian: QEMU, with an initial RAM disk and serial lines.

Such a kernel has file systems for files of the host only as modules, or not at all. The
initial RAM disk contains what the guest requires, and each output has a serial line.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.environment import environment
from host.process import start
from kernel.build import Kernel
from kernel.distro import DistroKernel
from kernel.foreign import ForeignKernel
from machine import emulator, initrd
from machine.qemu import Qemu, base_command

# The directory of the installed kselftests in the guest.
SELFTESTS = '/kselftest'

# The interpreter of QEMU 7.2 makes the kernel fault at this instruction.
_PROCESSOR = 'max,-cx16'


def chardev(name: str, path: str) -> list[str]:
    """Return the arguments of QEMU for a character device that writes to a file."""
    return ['-chardev', f'file,id={name},path={path.replace(",", ",,")}']


def _serial(name: str, path: str) -> list[str]:
    return [*chardev(name, path), '-serial', f'chardev:{name}']


def write_initrd(kernel: DistroKernel | ForeignKernel) -> None:
    """Write the initial RAM disk with the user space and the modules, and name it in the kernel."""
    scripts = [initrd.file(str(path).lstrip('/'), path.read_bytes()) for path in initrd.SCRIPTS]
    directories = [initrd.directory(str(kernel.subject.directory).lstrip('/'))]
    kernel.initrds = [initrd.write(kernel.out / 'initrd', [
        *initrd.userland(kernel.userland, kernel.triplet, initrd.INIT.read_bytes()),
        *initrd.tree(kernel.modules / 'lib/modules', 'lib/modules'), *scripts, *directories])]


def add_selftests(kernel: DistroKernel | ForeignKernel, directory: Path) -> None:
    """Write an initial RAM disk with installed kselftests, and name it in the kernel."""
    kernel.initrds.append(initrd.write(kernel.out / 'initrd-kselftest',
                                       initrd.tree(directory, SELFTESTS.lstrip('/'))))


@dataclass(frozen=True)
class Distro(Qemu):
    """A virtual machine without files of the host.

    version: the first one of QEMU that is known to interpret the machine correctly.
    """
    version: int = 0

    def command(self, kernel: Kernel, shared: list[Path], log: int, is_on_terminal: bool = False,
                extra: tuple = (), options: tuple = (), processors: int = 2, kvm: bool = False) -> list[str]:
        """Return the command line of QEMU.

        The serial lines are the kernel log, the output or the terminal, the errors and the
        exit status of the command. The run directory has the initial RAM disk.
        """
        run = shared[0]
        kernel_options = ['console=ttyS0', 'loglevel=7', 'panic=-1', *([] if kvm else ['norandmaps']),
                          *(['GUEST_TERMINAL=1'] if is_on_terminal else []), *options]
        output = (['-chardev', 'stdio,id=out,signal=off', '-serial', 'chardev:out'] if is_on_terminal
                  else _serial('out', f'{run}/out'))
        return [*base_command(processors, kvm, _PROCESSOR), *_serial('log', f'/proc/self/fd/{log}'), *output,
                *_serial('err', f'{run}/err'), *_serial('status', f'{run}/status'), *extra,
                '-kernel', str(kernel.image), '-initrd', f'{run}/initrd', '-append', ' '.join(kernel_options)]

    def boot(self, kernel: Kernel, shared: list[Path], log: int, tty: int | None = None, extra: tuple = (),
             options: tuple = (), processors: int = 2, **location: Any) -> subprocess.Popen:
        """Start QEMU; kvm: whether to use KVM."""
        run = shared[0]
        assert isinstance(kernel, (DistroKernel, ForeignKernel))
        own = initrd.write(run / 'initrd-run', [
            initrd.file(f'run/workbench/{name}', (run / name).read_bytes()) for name in ('command', 'start')])
        initrd.join(run / 'initrd', [*kernel.initrds, own])
        command = self.command(kernel, shared, log, tty is not None, extra, options, processors,
                               location.get('kvm', False))
        command[0] = emulator.path(command[0])
        return start(command, stdin=tty or subprocess.DEVNULL, stdout=tty or log, stderr=log,
                     pass_fds=[log], env=environment())


DISTRO = Distro('distro', image='', symbols='', fragments={}, sanitizers=(), terminal='/dev/ttyS1', slowness=4,
                has_kvm=True)
