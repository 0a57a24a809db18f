# SPDX-License-Identifier: GPL-2.0-only
"""The x86_64 machine: QEMU, with the files of the host through 9p."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.environment import environment
from host.process import start
from kernel.build import Kernel
from machine.machine import Machine

MEMORY = 1 << 30
_MEMINFO = Path('/proc/meminfo')

# The options with which the guest mounts the root and the shared directories of the host.
_MOUNT = 'trans=virtio,version=9p2000.L,access=any,msize=512000'


def _shared(number: int, directory: Path, options: str = '') -> list[str]:
    """Return the arguments that share a directory; QEMU requires commas to be doubled."""
    path = str(directory).replace(',', ',,')
    tag = f'share{number}' if number >= 0 else '/dev/root'
    return ['-fsdev', f'local,id=fs{number + 1},path={path},security_model=none,multidevs=remap{options}',
            '-device', f'virtio-9p-pci,fsdev=fs{number + 1},mount_tag={tag}']


def base_command(processors: int, kvm: bool, processor: str = '') -> list[str]:
    """Return the start of the command line of QEMU, without any device.

    processor: the model of the processor that QEMU interprets, by default that of QEMU.
    """
    interpreter = ['-accel', 'tcg', *(['-cpu', processor] if processor else [])]
    return ['qemu-system-x86_64', '-machine', 'q35', '-m', str(MEMORY >> 20), '-smp', str(processors),
            *(['-accel', 'kvm', '-cpu', 'host'] if kvm else interpreter),
            '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot']


@dataclass(frozen=True)
class Qemu(Machine):
    """A virtual machine. Without KVM, QEMU interprets the kernel and user space."""

    def capacity(self, guests: int) -> tuple[int, dict[str, Any]]:
        """Return the number of guests for which memory is available, at least 1, and no arguments."""
        available = re.search(r'MemAvailable: *(\d+) kB', _MEMINFO.read_text(encoding='utf-8'))
        return max(1, min((int(available[1]) << 10) // MEMORY, guests) if available else 1), {}

    def command(self, kernel: Kernel, shared: list[Path], log: int, is_on_terminal: bool = False,
                extra: tuple = (), options: tuple = (), processors: int = 2, kvm: bool = False) -> list[str]:
        """Return the command line of QEMU.

        The kernel log goes to a virtio console, which is fast even when QEMU interprets
        the guest. The serial line is the terminal, or has the log of the early boot. With
        KVM, QEMU gets no other accelerator, so that a successful boot proves that KVM is
        usable.
        """
        kernel_options = [
            'loglevel=7', 'panic=-1', 'rcupdate.rcu_expedited=1', 'console=hvc0',
            *([] if is_on_terminal else ['earlycon=uart8250,io,0x3f8,115200']), 'root=/dev/root', 'rootfstype=9p',
            f'rootflags={_MOUNT},cache=loose', 'ro',
            # QEMU translates code again at a new address, which takes a quarter of the time of an exec.
            *([] if kvm else ['norandmaps']),
            f'GUEST_RUN={shared[0]}', f'GUEST_SHARE={self.share}', f'init={shared[0]}/init', *options]
        return [*base_command(processors, kvm),
                '-chardev', f'file,id=log,path=/proc/self/fd/{log}',
                '-device', 'virtio-serial-pci', '-device', 'virtconsole,chardev=log',
                '-chardev', 'stdio,id=line,signal=off' if is_on_terminal else f'file,id=line,path=/proc/self/fd/{log}',
                '-serial', 'chardev:line',
                *_shared(-1, Path('/'), ',readonly=on'),
                *(word for number, directory in enumerate(shared) for word in _shared(number, directory)),
                *extra, '-kernel', str(kernel.image), '-append', ' '.join(kernel_options)]

    def boot(self, kernel: Kernel, shared: list[Path], log: int, tty: int | None = None, extra: tuple = (),
             options: tuple = (), processors: int = 2, **location: Any) -> subprocess.Popen:
        """Start QEMU; kvm: whether to use KVM."""
        command = self.command(kernel, shared, log, tty is not None, extra, options, processors,
                               location.get('kvm', False))
        return start(command, stdin=tty or subprocess.DEVNULL, stdout=tty or log, stderr=log,
                     pass_fds=[log], env=environment())


X86_64 = Qemu('x86_64', image='arch/x86/boot/bzImage', symbols='vmlinux',
              fragments={'': ('common', 'testing', 'x86_64', 'x86_64-testing'),
                         'debug': ('common', 'testing', 'x86_64', 'x86_64-debug'),
                         'bench': ('common', 'x86_64')},
              sanitizers=('KCSAN',), checksums=True, terminal='/dev/ttyS0', slowness=4, share='9p', has_kvm=True)
