# SPDX-License-Identifier: GPL-2.0-only
"""The um machine: the kernel as a process, with the files of the host through hostfs."""

import os
import re
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.console import UserError
from host.environment import environment
from host.paths import WORKBENCH, build_root
from host.process import run_logged, start
from kernel.build import Kernel
from machine.machine import Machine

MEMORY = 512 << 20

# Memory is not zero by luck. KASAN on um does not work with the patterns of slab_debug.
_POISON = 'page_poison=1'

_library_lock = threading.Lock()


def _library(kernel: Kernel, processors: int) -> Path:
    """Return the library for a guest, compiled if it is missing or old; processors: those of the guest."""
    source = WORKBENCH / f'machine/{"one_processor" if processors == 1 else "processors"}.c'
    path = kernel.out / f'{source.stem}.so'
    with _library_lock:
        if not path.exists() or path.stat().st_mtime < source.stat().st_mtime:
            part = path.with_name(f'{path.name}.part')
            run_logged(['gcc', '-O2', '-shared', '-fPIC', '-o', part, source], kernel.log(source.stem),
                       'compiling a library for um')
            os.replace(part, path)
    return path


# The line of the kernel log with the length of the delay loop. The measurement takes a third of
# the time of a boot.
_MEASURED = re.compile(r'Calibrating delay loop\.\.\. .*\(lpj=(\d+)\)')


def _delay_file(kernel: Kernel) -> Path:
    return kernel.out / 'loops_per_jiffy'


def _delay(kernel: Kernel) -> list[str]:
    """Return the option with the length of the delay loop, if an earlier boot of the image has measured it."""
    path = _delay_file(kernel)
    if path.exists() and path.stat().st_mtime >= kernel.image.stat().st_mtime:
        return [f'lpj={path.read_text(encoding="ascii")}']
    return []


@dataclass(frozen=True)
class Um(Machine):
    """User Mode Linux. User space runs at the speed of the host."""

    def capacity(self, guests: int) -> tuple[int, dict[str, Any]]:
        """Return the number of guests whose memory fits into a directory, and the directory.

        The memory of a guest is a file, by default in /dev/shm. In a container, /dev/shm is
        often limited to 64 MiB, where the kernel gets SIGBUS, or mounted noexec, where it
        does not start. TMPDIR is used if at least one guest fits; otherwise the first
        directory with the largest capacity.
        """
        named = os.environ.get('TMPDIR')
        fits: dict[str, int] = {}
        reasons = []
        for directory in dict.fromkeys((named, '/dev/shm', tempfile.gettempdir(), str(build_root()))):
            if not directory or not os.access(directory, os.W_OK):
                continue
            state = os.statvfs(directory)
            free = state.f_bavail * state.f_frsize
            if state.f_flag & os.ST_NOEXEC:
                reasons.append(f'{directory} is mounted noexec')
            elif free < MEMORY:
                reasons.append(f'{directory} has {free >> 20} MiB free')
            else:
                fits[directory] = min(free // MEMORY, guests)
        if not fits:
            raise UserError(f'the kernel requires {MEMORY >> 20} MiB for its memory: '
                            + ', '.join(reasons) + '; name another directory with TMPDIR=')
        # max() returns the first of several maxima.
        directory = named if named in fits else max(fits, key=lambda name: fits[name])
        return fits[directory], {'memory': directory}

    def boot(self, kernel: Kernel, shared: list[Path], log: int, tty: int | None = None, extra: tuple = (),
             options: tuple = (), processors: int = 2, **location: Any) -> subprocess.Popen:
        """Start the kernel.

        memory: the directory for the file of its memory. gate: the descriptor of a Gate.
        """
        memory = location.get('memory') or self.capacity(1)[1]['memory']
        gate = location.get('gate')
        of_guest = (f'GUEST_RUN={shared[0]}', f'GUEST_SHARE={self.share}', *_delay(kernel),
                    *([_POISON] if kernel.variant == 'debug' else []),
                    *([f'con2=fd:{gate},null'] if gate else []), *options)
        command = self.command(str(kernel.image), '/', f'{shared[0]}/init', f'{shared[0]}/uml/', log, tty, of_guest,
                               processors)
        preload = str(_library(kernel, processors))
        return start(command, pass_fds=[log, *(fd for fd in (tty, gate) if fd)], stdin=tty or subprocess.DEVNULL,
                     stdout=log, stderr=log, env=environment(TMPDIR=memory, LD_PRELOAD=preload))

    def save_measurements(self, kernel: Kernel, log: Path) -> None:
        """Save the length of the delay loop.

        Guests that boot together measure lengths that are too small. The largest one is saved.
        """
        measured = _MEASURED.search(log.read_text(errors='replace'))
        if not measured:
            return
        known = _delay(kernel)
        if not known or int(measured[1]) > int(known[0].removeprefix('lpj=')):
            path = _delay_file(kernel)
            part = path.with_name(f'{path.name}.{os.getpid()}-{threading.get_ident()}')
            part.write_text(measured[1], encoding='ascii')
            os.replace(part, path)

    def command(self, image: str, root: str, init: str, directory: str, log: int, tty: int | None = None,
                options: tuple = (), processors: int = 2) -> list[str]:
        """Return the command line of a kernel.

        root: the directory of the host that becomes its root. init: the first process, a path
        in the root. directory: for the files of the kernel, with a "/" at the end. log, tty,
        options, processors: those of boot().
        """
        console = [f'con0=null,fd:{log}', *([f'con1=fd:{tty},fd:{tty}'] if tty else [])]
        return [image, f'mem={MEMORY >> 20}M', f'ncpus={processors}', 'seccomp=on',
                'loglevel=7', 'root=/dev/root', 'rootfstype=hostfs', f'hostfs={root}', 'ro', 'panic=-1',
                f'init={init}', f'uml_dir={directory}',
                # With expedited grace periods, a module unloads without a delay.
                'rcupdate.rcu_expedited=1', 'con=null', *console, *options]


UM = Um('um', image='linux', symbols='linux',
        fragments={'': ('common', 'testing', 'um'), 'debug': ('common', 'testing', 'um', 'um-debug', 'um-memory'),
                   'try': ('common', 'testing', 'um', 'um-debug', 'try'),
                   'job': ('common', 'testing', 'um', 'um-job'),
                   'coverage': ('common', 'testing', 'um', 'um-coverage')},
        sanitizers=('KASAN', 'UBSAN'), terminal='/dev/tty1', parallel_guests=2, share='hostfs')
