# SPDX-License-Identifier: GPL-2.0-only
"""The x86_64 machine: QEMU, with the command line that virtme-ng makes for it.

Of virtme-ng, what goes on the host is used: it knows QEMU, and how to hand it the
host's root and directories. Its init is not, since the guest would then run the
host's udev, and have a layer over some directories of the root alone; ours does
for this machine what it does for um.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from host.console import UserError
from host.environment import environment
from host.process import start
from kernel import archive

TERMINAL = '/dev/ttyS0'

# QEMU interprets user space too where there is no KVM.
SLOWNESS = 4

MEMORY = 1 << 30
_MEMINFO = Path('/proc/meminfo')


def room(guests):
    """For how many of so many guests there is memory, at least for one; as um.room()."""
    available = int(re.search(r'MemAvailable: *(\d+) kB', _MEMINFO.read_text(encoding='utf-8'))[1]) << 10
    return max(1, min(available // MEMORY, guests)), {}


def _virtme() -> tuple[list[str], dict[str, str]]:
    """Return the command for virtme-run, and the variables that it requires."""
    if archive.is_debian():
        home = archive.unpacked('virtme-ng', 'virtme-[a-z]+', 'package')
        return ([sys.executable, '-m', 'virtme.commands.run'],
                {'PYTHONPATH': str(home / 'usr/lib/python3/dist-packages')})
    if shutil.which('virtme-run'):
        return ['virtme-run'], {}
    raise UserError('TARGET=x86_64 requires virtme-ng, which is not installed: '
                    'install it, so that virtme-run is in the path')


def _share(shared):
    """Links to directories, by names that virtme-ng takes whatever theirs are."""
    for number, directory in enumerate(shared):
        link = shared[0] / f'share{number}'
        link.symlink_to(directory)
        yield f'--rwdir={link}'


def with_kvm_alone(words):
    """The command line of QEMU with KVM, or nothing: with kvm:tcg, a guest that runs does not show that KVM works."""
    if 'accel=kvm:tcg' in words:
        return ['accel=kvm' if word == 'accel=kvm:tcg' else word for word in words]
    return [*words, '-accel', 'kvm']


def boot(kernel, shared, log, tty=None, extra=(), processors=2, kvm=False):
    """Start QEMU with the kernel, and return the child that it is.

    As um.boot(); extra: more options of virtme-run. kvm: with KVM.
    """
    root = 'version=9p2000.L,trans=virtio,access=any,cache=loose,msize=512000'
    kernel_options = [
        'loglevel=7', 'panic=-1', 'rcupdate.rcu_expedited=1', 'root=/dev/root', f'rootflags={root}',
        *([] if tty else ['earlycon=uart8250,io,0x3f8,115200']),
        # What is at another address is translated again: an exec takes a quarter so.
        *([] if kvm else ['norandmaps']),
        f'LKM_RUN={shared[0]}', 'LKM_SHARE=9p', f'init={shared[0]}/init',
        # What virtme-ng says after this, its own init, is an argument of ours.
        # The tab keeps its parser from taking the dashes for its own.
        '\t--']
    virtme, variables = _virtme()
    if 'PYTHONPATH' in variables:
        # The path of the cache may have a colon in it.
        link = shared[0] / 'virtme'
        link.symlink_to(variables['PYTHONPATH'])
        variables['PYTHONPATH'] = str(link)
    command = [
        *virtme, '--dry-run', '--show-command',
        f'--kimg={kernel.image}', '--mods=none', '--force-9p', '--disable-microvm',
        '--disable-monitor', f'--memory={MEMORY >> 30}G', f'--cpus={processors}', '--overlay-rwdir=/', *_share(shared),
        *extra, *(f'--kopt={option}' for option in kernel_options), '--qemu-opt=-no-reboot',
        *([] if kvm else ['--disable-kvm'])]
    made = subprocess.run(command, cwd='/', env=environment(**variables),
                          capture_output=True, text=True, check=False)
    if made.returncode:
        raise UserError(f'virtme-ng ended with {made.returncode}:\n{made.stdout}{made.stderr}')
    words = shlex.split(made.stdout)
    return start(with_kvm_alone(words) if kvm else words, stdin=tty or subprocess.DEVNULL, stdout=tty or log,
                 stderr=log, env=environment())
