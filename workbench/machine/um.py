# SPDX-License-Identifier: GPL-2.0-only
"""The um machine: the kernel as a process, the host's files through hostfs."""

import os
import subprocess
import tempfile

from host.console import UserError
from host.environment import environment
from host.paths import build_root
from host.process import start

TERMINAL = '/dev/tty1'

# User space is that of the host: no slower.
SLOWNESS = 1

MEMORY = 512 << 20


def room(guests):
    """For how many of so many kernels there is room, and the arguments for boot() that say where.

    The memory of a kernel is a file. The kernel would put it into /dev/shm. In a
    container that is often 64 MiB, and the kernel gets SIGBUS, or it is mounted
    noexec, and the kernel does not start. TMPDIR is taken if it has room for one;
    of the others the first that has room for all, otherwise for most.
    """
    named = os.environ.get('TMPDIR')
    fits, reasons = {}, []
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
        raise UserError(f'the kernel needs {MEMORY >> 20} MiB where its memory can be: '
                        + ', '.join(reasons) + '; name another directory with TMPDIR=')
    # max() takes the first of those that have room for as many.
    directory = named if named in fits else max(fits, key=fits.get)
    return fits[directory], {'memory': directory}


def boot(kernel, shared, log, tty=None, extra=(), processors=2, memory=None):
    """Start the kernel, and return the child that it is.

    shared: the directories of the host's that the guest mounts to write to, the
    first being that of the run. log: a descriptor for the kernel log. tty: one
    of the terminal that the guest gets. extra: more for its command line.
    processors: how many it has. memory: the directory for its memory.
    """
    console = [f'con0=null,fd:{log}', *([f'con1=fd:{tty},fd:{tty}'] if tty else [])]
    return start([str(kernel.image), f'mem={MEMORY >> 20}M', f'ncpus={processors}', 'seccomp=on',
                  'loglevel=7', 'root=/dev/root', 'rootfstype=hostfs', 'hostfs=/', 'ro', 'panic=-1',
                  f'init={shared[0]}/init', f'LKM_RUN={shared[0]}', 'LKM_SHARE=hostfs',
                  f'uml_dir={shared[0]}/uml/',
                  # A module unloads in no time when it need not wait for the other CPU.
                  'rcupdate.rcu_expedited=1', 'con=null', *console, *extra],
                 pass_fds=[log, *([tty] if tty else [])], stdin=tty or subprocess.DEVNULL,
                 stdout=log, stderr=log, env=environment(TMPDIR=memory or room(1)[1]['memory']))
