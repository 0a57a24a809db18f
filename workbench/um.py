# SPDX-License-Identifier: GPL-2.0-only
"""The um machine: the kernel as a process, the host's files through hostfs."""

import os
import subprocess
import tempfile

from console import UserError
from environment import environment
from paths import WORKBENCH, build_root
from process import start

TERMINAL = '/dev/tty1'

# User space is that of the host: no slower.
SLOWNESS = 1

MEMORY = 512 << 20


def memory_directory():
    """A directory that can hold the memory of a kernel, which is a file.

    The kernel would take /dev/shm. In a container that is often 64 MiB, and the
    kernel gets SIGBUS, or may not hold programs, and the kernel does not start.
    """
    tried = []
    for directory in (os.environ.get('TMPDIR'), '/dev/shm', tempfile.gettempdir(), str(build_root())):
        if not directory or not os.access(directory, os.W_OK):
            continue
        about = os.statvfs(directory)
        if about.f_flag & os.ST_NOEXEC:
            tried.append(f'{directory} is mounted noexec')
        elif about.f_bavail * about.f_frsize < MEMORY:
            tried.append(f'{directory} has {about.f_bavail * about.f_frsize >> 20} MiB free')
        else:
            return directory
    raise UserError(f'the kernel needs {MEMORY >> 20} MiB where its memory can be: '
                    + ', '.join(dict.fromkeys(tried)) + '; name another directory with TMPDIR=')


def boot(kernel, shared, log, tty=None, extra=(), processors=2):
    """Start the kernel, and return the child that it is.

    shared: the directories of the host's that the guest mounts to write to, the
    first being that of the run. log: a descriptor for the kernel log. tty: one
    of the terminal that the guest gets. extra: more for its command line.
    processors: how many it has.
    """
    console = [f'con0=null,fd:{log}', *([f'con1=fd:{tty},fd:{tty}'] if tty else [])]
    return start([str(kernel.image), f'mem={MEMORY >> 20}M', f'ncpus={processors}', 'seccomp=on',
                  'loglevel=7', 'root=/dev/root', 'rootfstype=hostfs', 'hostfs=/', 'ro', 'panic=-1',
                  f'init="{WORKBENCH}/guest/init"', f'LKM_RUN="{shared[0]}"', 'LKM_SHARE=hostfs',
                  f'uml_dir={shared[0]}/uml/',
                  # A module unloads in no time when it need not wait for the other CPU.
                  'rcupdate.rcu_expedited=1', 'con=null', *console, *extra],
                 pass_fds=[log, *([tty] if tty else [])], stdin=tty or subprocess.DEVNULL,
                 stdout=log, stderr=log, env=environment(TMPDIR=memory_directory()))
