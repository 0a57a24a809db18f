# SPDX-License-Identifier: GPL-2.0-only
"""The um machine: the kernel as a process, the host's files through hostfs."""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.console import UserError
from host.environment import environment
from host.paths import build_root
from host.process import start
from kernel.build import Kernel
from machine.machine import Machine

MEMORY = 512 << 20


@dataclass(frozen=True)
class Um(Machine):
    """User Mode Linux. User space runs at the speed of the host."""

    def room(self, guests: int) -> tuple[int, dict[str, Any]]:
        """Find a directory for the memory of the guests, which is a file each.

        The kernel would put it into /dev/shm. In a container that is often 64 MiB,
        and the kernel gets SIGBUS, or it is mounted noexec, and the kernel does not
        start. TMPDIR is taken if it has room for one; of the others the first that
        has room for all, otherwise for most.
        """
        named = os.environ.get('TMPDIR')
        fits: dict[str, int] = {}
        reasons = []
        for directory in dict.fromkeys((named, '/dev/shm', tempfile.gettempdir(), str(build_root()))):
            if not directory or not os.access(directory, os.W_OK):
                continue
            about = os.statvfs(directory)
            free = about.f_bavail * about.f_frsize
            if about.f_flag & os.ST_NOEXEC:
                reasons.append(f'{directory} is mounted noexec')
            elif free < MEMORY:
                reasons.append(f'{directory} has {free >> 20} MiB free')
            else:
                fits[directory] = min(free // MEMORY, guests)
        if not fits:
            raise UserError(f'the kernel requires {MEMORY >> 20} MiB for its memory: '
                            + ', '.join(reasons) + '; name another directory with TMPDIR=')
        # max() takes the first of those that have room for as many.
        directory = named if named in fits else max(fits, key=lambda name: fits[name])
        return fits[directory], {'memory': directory}

    def boot(self, kernel: Kernel, shared: list[Path], log: int, tty: int | None = None, extra: tuple = (),
             options: tuple = (), processors: int = 2, **where: Any) -> subprocess.Popen:
        """Start the kernel; memory: the directory for its memory."""
        memory = where.get('memory') or self.room(1)[1]['memory']
        console = [f'con0=null,fd:{log}', *([f'con1=fd:{tty},fd:{tty}'] if tty else [])]
        return start([str(kernel.image), f'mem={MEMORY >> 20}M', f'ncpus={processors}', 'seccomp=on',
                      'loglevel=7', 'root=/dev/root', 'rootfstype=hostfs', 'hostfs=/', 'ro', 'panic=-1',
                      f'init={shared[0]}/init', f'GUEST_RUN={shared[0]}', f'GUEST_SHARE={self.share}',
                      f'uml_dir={shared[0]}/uml/',
                      # A module unloads in no time when it need not wait for the other CPU.
                      'rcupdate.rcu_expedited=1', 'con=null', *console, *options],
                     pass_fds=[log, *([tty] if tty else [])], stdin=tty or subprocess.DEVNULL,
                     stdout=log, stderr=log, env=environment(TMPDIR=memory))


UM = Um('um', image='linux', symbols='linux',
        fragments={'': ('common', 'testing', 'um'), 'debug': ('common', 'testing', 'um', 'um-debug'),
                   'try': ('common', 'testing', 'um', 'um-debug', 'try')},
        sanitizers=('KASAN', 'UBSAN'), terminal='/dev/tty1', parallel_guests=2, share='hostfs')
