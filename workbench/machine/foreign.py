# SPDX-License-Identifier: GPL-2.0-only
"""The machines of other architectures: QEMU without KVM, with an initial RAM disk and virtio consoles."""

from dataclasses import dataclass
from pathlib import Path

from kernel.architecture import ARCHITECTURES
from kernel.build import Kernel
from machine.distro import Distro, chardev
from machine.qemu import MEMORY, X86_64


@dataclass(frozen=True)
class Foreign(Distro):
    """A virtual machine of another architecture.

    emulator: the program and its options for the machine. bus: that of the consoles, as in
    the names of the devices of QEMU.
    """
    emulator: tuple[str, ...] = ()
    bus: str = ''

    def command(self, kernel: Kernel, shared: list[Path], log: int, is_on_terminal: bool = False,
                extra: tuple = (), options: tuple = (), processors: int = 2, kvm: bool = False) -> list[str]:
        """Return the command line of QEMU.

        The consoles are the kernel log, the output or the terminal, the errors and the exit
        status of the command.
        """
        run = shared[0]
        kernel_options = ['console=hvc0', 'loglevel=7', 'panic=-1', 'norandmaps', 'GUEST_LINE=hvc',
                          *(['GUEST_TERMINAL=1'] if is_on_terminal else []), *options]
        lines = [*chardev('log', f'/proc/self/fd/{log}'),
                 *(['-chardev', 'stdio,id=out,signal=off'] if is_on_terminal else chardev('out', f'{run}/out')),
                 *chardev('err', f'{run}/err'), *chardev('status', f'{run}/status')]
        consoles = [word for number, name in enumerate(('log', 'out', 'err', 'status'))
                    for word in ('-device', f'virtconsole,chardev={name},nr={number}')]
        return [*self.emulator, '-m', str(MEMORY >> 20), '-smp', str(processors), '-accel', 'tcg',
                '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
                *lines, '-device', f'virtio-serial-{self.bus}', *consoles, *extra,
                '-kernel', str(kernel.image), '-initrd', f'{run}/initrd', '-append', ' '.join(kernel_options)]


# The x86_64 machine for a guest without files of the host, with the kernel of that machine.
WITHOUT_FILES = Foreign('x86_64', image=X86_64.image, symbols=X86_64.symbols, fragments=X86_64.fragments,
                        sanitizers=(), terminal='/dev/hvc1', slowness=X86_64.slowness, has_kvm=True,
                        emulator=('qemu-system-x86_64', '-machine', 'q35'), bus='pci')


def _machine(name: str, image: str, bus: str, *emulator: str, version: int = 0) -> Foreign:
    return Foreign(name, image=image, symbols='vmlinux',
                   fragments={'': ('common', 'testing', 'initrd', name)}, sanitizers=(), terminal='/dev/hvc1',
                   slowness=8, emulator=emulator, bus=bus, version=version,
                   cross_compile=ARCHITECTURES[name].cross_compile)


# By the values of ARCH.
FOREIGN = {machine.name: machine for machine in (
    _machine('arm64', 'arch/arm64/boot/Image', 'device', 'qemu-system-aarch64', '-machine', 'virt', '-cpu', 'max'),
    _machine('s390', 'arch/s390/boot/bzImage', 'ccw', 'qemu-system-s390x', '-machine', 's390-ccw-virtio',
             '-cpu', 'qemu', version=10))}
