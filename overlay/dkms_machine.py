# SPDX-License-Identifier: GPL-2.0-only
"""Boot the kernels of a Debian system from its disk, in the machine for kernels of Debian.

An initial RAM disk mounts the disk, of which the guest keeps changes in memory, and gives
control to a shell there. The init of Debian does not run.
"""

import copy
import dataclasses
import lzma
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dkms_uefi
from host.console import UserError
from host.environment import environment
from host.paths import build_root
from kernel import distro
from kernel.build import Kernel
from machine import initrd
from machine.distro import DISTRO, Distro
from subject.subject import Subject

HERE = Path(__file__).resolve().parent

# The modules for the disk.
_FOR_DISK = ('virtio_pci', 'virtio_blk', 'ext4')

# The directory of the init and of the scripts that the guest runs.
_GUEST = 'guest'

# The firmware, and its variables with Secure Boot and the keys of Microsoft, which has signed shim.
CODE = 'usr/share/OVMF/OVMF_CODE_4M.secboot.fd'
VARIABLES = 'usr/share/OVMF/OVMF_VARS_4M.ms.fd'


_DISTRO: dict[str, Any] = {field.name: getattr(DISTRO, field.name) for field in dataclasses.fields(DISTRO)}


@dataclass(frozen=True)
class RootDisk(Distro):
    """A virtual machine with a disk."""
    disk: Path = Path()

    def command(self, kernel: Kernel, shared: list[Path], log: int, is_on_terminal: bool = False,
                extra: tuple = (), options: tuple = (), processors: int = 2, kvm: bool = False) -> list[str]:
        """Return the command line of QEMU, with the disk."""
        drive = ('-drive', f'file={str(self.disk).replace(",", ",,")},format=raw,if=virtio,snapshot=on')
        return super().command(kernel, shared, log, is_on_terminal, (*extra, *drive), options, processors, kvm)


def _modules(kernel: distro.DistroKernel) -> list[Path]:
    """Return the modules of a kernel that the initial RAM disk loads, in their order."""
    found = []
    for name in _FOR_DISK:
        shown = subprocess.run(['modprobe', '-C', '/dev/null', '-d', kernel.root, '-S', kernel.release(),
                                '--show-depends', name], env=environment(), capture_output=True, text=True, check=False)
        if shown.returncode:
            raise UserError(f'{kernel.root} has no module {name}: {shown.stderr.strip()}')
        found += [Path(line.split()[1]) for line in shown.stdout.splitlines() if line.startswith('insmod ')]
    return list(dict.fromkeys(found))


def _module_entries(paths: list[Path]) -> Iterator[initrd.Entry]:
    for path in paths:
        content = path.read_bytes()
        yield initrd.file(f'modules/{path.name.removesuffix(".xz")}',
                          lzma.decompress(content) if path.suffix == '.xz' else content)
    names = ''.join(f'{path.name.removesuffix(".xz")}\n' for path in paths)
    yield initrd.file('modules/order', names.encode())


@dataclass(frozen=True)
class SecureRootDisk(RootDisk):
    """The same with UEFI, Secure Boot, and the boot loader of Debian.

    firmware: the directory with the packages of the firmware and of the boot loader.
    variables: the image of the variables of the firmware.
    """
    firmware: Path = Path()
    variables: Path = Path()

    def command(self, kernel: Kernel, shared: list[Path], log: int, is_on_terminal: bool = False,
                extra: tuple = (), options: tuple = (), processors: int = 2, kvm: bool = False) -> list[str]:
        """Return the command line of QEMU. The firmware starts shim from a directory of the run, as a disk."""
        command = super().command(kernel, shared, log, is_on_terminal, extra, options, processors, kvm)
        append = command[command.index('-append') + 1]
        del command[command.index('-kernel'):]
        system = _write_system_partition(shared[0] / 'esp', kernel.image, shared[0] / 'initrd', append, self.firmware)
        variables = shutil.copy(self.variables, shared[0] / 'variables')
        return [*command, '-machine', 'smm=on', '-global', 'driver=cfi.pflash01,property=secure,value=on',
                '-drive', f'if=pflash,unit=0,format=raw,readonly=on,file={self.firmware / CODE}',
                '-drive', f'if=pflash,unit=1,format=raw,file={variables}',
                '-drive', f'if=none,id=esp,format=raw,readonly=on,file=fat:{system}',
                '-device', 'virtio-blk-pci,drive=esp,bootindex=0']


def _write_system_partition(directory: Path, image: Path, own_initrd: Path, append: str, firmware: Path) -> Path:
    """Write the files of an EFI system partition; return their directory."""
    (directory / 'EFI/BOOT').mkdir(parents=True)
    (directory / 'EFI/debian').mkdir()
    shutil.copy(firmware / 'usr/lib/shim/shimx64.efi.signed', directory / 'EFI/BOOT/BOOTX64.EFI')
    shutil.copy(firmware / 'usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed', directory / 'EFI/BOOT/grubx64.efi')
    shutil.copy(image, directory / 'vmlinuz')
    shutil.copy(own_initrd, directory / 'initrd')
    (directory / 'EFI/debian/grub.cfg').write_text(
        f'search --no-floppy --file /vmlinuz --set root\nlinux /vmlinuz {append}\ninitrd /initrd\nboot\n',
        encoding='ascii')
    return directory


class RootKernel(distro.DistroKernel):
    """A kernel of the system on a disk."""

    def __init__(self, version: str, root: Path, disk: Path, subject: Subject):
        """root: a directory with the packages of the kernel, which does not change; disk: the image."""
        out = build_root() / f'check-dkms/{version}'
        out.mkdir(parents=True, exist_ok=True)
        super().__init__(version, RootDisk(**_DISTRO, disk=disk), subject, out, root)
        self.name = f'dkms-{version}'
        self.disk = disk

    def write_initrd(self) -> None:
        """Write the initial RAM disk that mounts the disk."""
        busybox = (self.userland / 'bin/busybox').read_bytes()
        self.initrds = [initrd.write(self.out / 'initrd', [
            *map(initrd.directory, ('bin', 'dev', 'disk', 'proc')),
            initrd.file('bin/busybox', busybox, 0o755), initrd.link('bin/sh', 'busybox'),
            initrd.file('run/workbench/busybox', busybox, 0o755),
            initrd.file('init', (HERE / 'dkms-init').read_bytes(), 0o755),
            initrd.file('run/workbench/enter', (HERE / 'dkms-enter').read_bytes()),
            *_module_entries(_modules(self)),
            *(initrd.file(f'{_GUEST}{path}', path.read_bytes()) for path in initrd.SCRIPTS),
            initrd.directory(f'{_GUEST}{self.subject.directory}')])]

    def with_secure_boot(self, firmware: Path, certificate: bytes) -> 'RootKernel':
        """Return this kernel in a machine with Secure Boot, in which the certificate of an owner is enrolled."""
        variables = self.out / 'variables'
        enrolled = dkms_uefi.signature_list(certificate)
        variables.write_bytes(dkms_uefi.add_variable((firmware / VARIABLES).read_bytes(), dkms_uefi.MOK_LIST,
                                                     dkms_uefi.SHIM, enrolled))
        found = copy.copy(self)
        found.target = SecureRootDisk(**_DISTRO, disk=self.disk, firmware=firmware, variables=variables)
        return found
