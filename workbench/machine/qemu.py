# SPDX-License-Identifier: GPL-2.0-only
"""The x86_64 machine: QEMU, the host's files through 9p."""

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

# How the guest mounts the root of the host, and the directories that it shares.
_MOUNT = 'trans=virtio,version=9p2000.L,access=any,msize=512000'


def _shared(number: int, directory: Path, options: str = '') -> list[str]:
    """Return the arguments that share a directory; in an option of QEMU a comma is doubled."""
    path = str(directory).replace(',', ',,')
    tag = f'share{number}' if number >= 0 else '/dev/root'
    return ['-fsdev', f'local,id=fs{number + 1},path={path},security_model=none,multidevs=remap{options}',
            '-device', f'virtio-9p-pci,fsdev=fs{number + 1},mount_tag={tag}']


@dataclass(frozen=True)
class Qemu(Machine):
    """A virtual machine; without KVM, QEMU interprets user space too."""

    def room(self, guests: int) -> tuple[int, dict[str, Any]]:
        """Find out for how many guests there is memory, for one at least."""
        available = re.search(r'MemAvailable: *(\d+) kB', _MEMINFO.read_text(encoding='utf-8'))
        return max(1, min((int(available[1]) << 10) // MEMORY, guests) if available else 1), {}

    def command(self, kernel: Kernel, shared: list[Path], log: int, is_on_terminal: bool = False,
                extra: tuple = (), options: tuple = (), processors: int = 2, kvm: bool = False) -> list[str]:
        """Return the command line of QEMU.

        The kernel log goes to a virtio console, which costs little when QEMU interprets
        the guest. The serial line has the log before that, or else it is the terminal.
        With KVM there is no other accelerator, so that a guest that runs shows that it
        works.
        """
        kernel_options = [
            'loglevel=7', 'panic=-1', 'rcupdate.rcu_expedited=1', 'console=hvc0',
            *([] if is_on_terminal else ['earlycon=uart8250,io,0x3f8,115200']), 'root=/dev/root', 'rootfstype=9p',
            f'rootflags={_MOUNT},cache=loose', 'ro',
            # QEMU translates again what is at another address, a quarter of the time of an exec.
            *([] if kvm else ['norandmaps']),
            f'GUEST_RUN={shared[0]}', f'GUEST_SHARE={self.share}', f'init={shared[0]}/init', *options]
        return [f'qemu-system-{self.name}', '-machine', 'q35', '-m', str(MEMORY >> 20), '-smp', str(processors),
                *(['-accel', 'kvm', '-cpu', 'host'] if kvm else ['-accel', 'tcg']),
                '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
                '-chardev', f'file,id=log,path=/proc/self/fd/{log}',
                '-device', 'virtio-serial-pci', '-device', 'virtconsole,chardev=log',
                '-chardev', 'stdio,id=line,signal=off' if is_on_terminal else f'file,id=line,path=/proc/self/fd/{log}',
                '-serial', 'chardev:line',
                *_shared(-1, Path('/'), ',readonly=on'),
                *(word for number, directory in enumerate(shared) for word in _shared(number, directory)),
                *extra, '-kernel', str(kernel.image), '-append', ' '.join(kernel_options)]

    def boot(self, kernel: Kernel, shared: list[Path], log: int, tty: int | None = None, extra: tuple = (),
             options: tuple = (), processors: int = 2, **where: Any) -> subprocess.Popen:
        """Start QEMU; kvm: with KVM."""
        command = self.command(kernel, shared, log, tty is not None, extra, options, processors,
                               where.get('kvm', False))
        return start(command, stdin=tty or subprocess.DEVNULL, stdout=tty or log, stderr=log,
                     pass_fds=[log], env=environment())


X86_64 = Qemu('x86_64', image='arch/x86/boot/bzImage', symbols='vmlinux',
              fragments={'': ('common', 'testing', 'x86_64', 'x86_64-testing'),
                         'debug': ('common', 'testing', 'x86_64', 'x86_64-debug'),
                         'bench': ('common', 'x86_64')},
              sanitizers=('KCSAN',), checksums=True, terminal='/dev/ttyS0', slowness=4, share='9p', has_kvm=True)
