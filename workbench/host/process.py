# SPDX-License-Identifier: GPL-2.0-only
"""Start, stop and log child processes. No child outlives its parent."""

import contextlib
import ctypes
import os
import re
import selectors
import signal
import subprocess
import time
from pathlib import Path

from host.console import Progress, UserError
from host.environment import environment
from host.errors import first_error

PR_SET_PDEATHSIG = 1
PR_SET_PTRACER = 0x59616d61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)
PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, number: int):
    """Request a signal for the end of the parent; send it now if the parent has already ended."""
    _libc.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def start(command, **kwargs):
    """Start a child in a new session; it is killed when this process ends."""
    parent = os.getpid()

    def set_up():
        die_with_parent(parent, signal.SIGKILL)
        # Yama lets only ancestors attach, and the debugger of a um kernel is a sibling.
        _libc.prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY)

    return subprocess.Popen(command, start_new_session=True, preexec_fn=set_up, **kwargs)


def adopt_orphans():
    """Become the parent of descendants whose parent ends."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)


def _children():
    own_pid = os.getpid()
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            # The name in parentheses may contain any character.
            fields = stat.read_text(errors='replace').rpartition(')')[2].split()
        except OSError:
            continue
        if int(fields[1]) == own_pid:
            yield int(stat.parent.name)


def kill_descendants():
    """Kill every child and every orphan that this process adopts meanwhile."""
    deadline = time.monotonic() + 10
    while (pids := list(_children())) and time.monotonic() < deadline:
        for pid in pids:
            # This user cannot kill a process of root, such as apt under sudo.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)


def stop(child):
    """End a child and its process group: by SIGTERM, after 3 s by SIGKILL."""
    for sig, timeout in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
        try:
            os.killpg(child.pid, sig)
        except ProcessLookupError:
            pass
        try:
            child.wait(timeout)
            return
        except subprocess.TimeoutExpired:
            continue


def run_logged(command, log, title, step=None, total=0, cwd=None, env=None):
    """Run a command with its output in a log, and show its progress; return the number of steps.

    title: names the operation in messages. step: a pattern; each line of output that
    it matches is a step, named by its first group. total: the approximate number of
    steps, 0 if unknown. cwd, env: those of Popen. Raise UserError with the first error
    of the log when the command fails.
    """
    progress = Progress(title, total)
    log.parent.mkdir(parents=True, exist_ok=True)
    pattern = re.compile(step) if step else None
    with open(log, 'wb') as out, selectors.DefaultSelector() as selector:
        out.write(('$ ' + ' '.join(map(str, command)) + '\n').encode())
        out.flush()
        child = start(command, cwd=cwd, env=env or environment(), stdin=subprocess.DEVNULL,
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            selector.register(child.stdout, selectors.EVENT_READ)
            rest = b''
            while True:
                if not selector.select(0.5):
                    progress.tick()
                    continue
                data = os.read(child.stdout.fileno(), 65536)
                if not data:
                    break
                out.write(data)
                *lines, rest = (rest + data).split(b'\n')
                for line in lines:
                    match = pattern and pattern.match(line.decode(errors='replace'))
                    if match:
                        progress.step(match.group(1))
            status = child.wait()
        except BaseException:
            progress.done('stopped')
            stop(child)
            raise
        finally:
            child.stdout.close()
    if status:
        progress.done('failed')
        shown = '\n'.join('  ' + line for line in first_error(log))
        raise UserError(f'{title} failed; log: {log}\n{shown}')
    progress.done()
    return progress.steps
