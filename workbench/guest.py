# SPDX-License-Identifier: GPL-2.0-only
"""Boot a kernel, run something in it, and judge what its log says."""

import contextlib
import functools
import os
import re
import selectors
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import kvm
import terminal
import um
import x86_64
from console import say
from paths import REPO, WORKBENCH, build_root
from process import stop

MACHINES = {'um': um, 'x86_64': x86_64}

USER_SPACE = 'lkmdemo: guest: user space is up'

# A line of the kernel log like these always fails the run.
SPLAT = re.compile(
    r'\bBUG\b|\bWARNING:|\bOops\b|Kernel panic|Kernel mode fault|\bKASAN\b|\bUBSAN\b|\bKCSAN\b'
    r'|kmemleak: [0-9]+ new|INFO: (task|rcu|possible|trying)|possible recursive locking'
    r'|possible circular locking|suspicious RCU usage|inconsistent lock state|general protection'
    r'|lock debugging is off|unable to handle|refcount_t:|ODEBUG:|stack-protector:|lkmdemo: guest: cannot')

# How much of the log is shown with one: the report, not the whole call trace.
CONTEXT_LINES = 25

# The checkers of a debugging kernel make it this much slower, and more.
DEBUG_SLOWNESS = 6

DIED = 125
TIMED_OUT = 124
STOPPED = 130


def splats(log):
    """The lines of a kernel log from the first report on, or none.

    Lines before user space are the kernel's own affair, unless it died there.
    """
    lines = log.read_text(errors='replace').replace('\r', '').splitlines()
    begin = next((i for i, line in enumerate(lines) if USER_SPACE in line), 0)
    for i, line in enumerate(lines[begin:], begin):
        if SPLAT.search(line):
            return lines[i:i + CONTEXT_LINES]
    return []


class _Follower:
    """Copies what is appended to a file to one of our own outputs."""

    def __init__(self, path, out):
        path.touch()
        self.file = open(path, 'rb')
        self.out = out

    def copy(self):
        data = self.file.read()
        if data:
            self.out.write(data)
            self.out.flush()

    def close(self):
        self.copy()
        self.file.close()


def _writable():
    """The directories of the host's that the guest may change."""
    return [REPO] if REPO in build_root().parents else [REPO, build_root()]


def _write_run(run, kernel, command, modules, tty):
    """Leave in the run directory what the guest's init expects there.

    tty: the guest's name for the terminal that the command gets, if it gets one.
    """
    (run / 'writable').write_text(''.join(f'{path}\n' for path in _writable()), encoding='utf-8')
    (run / 'modules').write_text(f'{kernel.modules}\n', encoding='utf-8')
    (run / 'command').write_text(command + '\n', encoding='utf-8')
    here = '/run/lkmdemo'
    lines = [f'cd {shlex.quote(str(REPO))}']
    if tty:
        size = os.get_terminal_size()
        lines.append(f'exec <{tty} >{tty} 2>&1')
        lines.append(f'stty sane rows {size.lines} cols {size.columns}')
        lines.append(f'export TERM={shlex.quote(os.environ.get("TERM", "linux"))}')
    else:
        lines.append(f'exec </dev/null >{here}/out 2>{here}/err')
    for module in modules:
        lines.append(f'modprobe {module} || {{ echo 1 >{here}/status; exit; }}')
    lines.append(f'{"setsid -c " if tty else ""}sh {here}/command')
    lines.append(f'echo $? >{here}/status')
    lines.append(f'. {shlex.quote(str(WORKBENCH))}/guest/afterwards')
    (run / 'start').write_text('\n'.join(lines) + '\n', encoding='utf-8')


def _watch(child, log_fd, log, followers, deadline, stopped):
    """Copy the log and the outputs until the kernel has ended, or has to."""
    with open(log, 'wb', buffering=0) as out, selectors.DefaultSelector() as selector:
        selector.register(log_fd, selectors.EVENT_READ)
        ended = False
        while True:
            # Once more after the end: the log may have more than one read takes.
            ready = selector.select(0.02)
            data = os.read(log_fd, 65536) if ready else b''
            out.write(data)
            for follower in followers:
                follower.copy()
            if ended and not data:
                return True
            ended = child.poll() is not None
            if stopped() or deadline and time.monotonic() > deadline:
                return False


def _boot(kernel, command, log, timeout, modules=(), out=None, err=None,
          stopped=lambda: False, started=lambda child: None, **machine):
    """Boot, and return the command's status, whether in time, the child's status.

    The arguments are those of run(); machine: those of the machine's boot().
    """
    on_terminal = timeout is None
    target = MACHINES[kernel.target]
    directory = Path(tempfile.mkdtemp(prefix='lkmdemo-'))
    log.parent.mkdir(parents=True, exist_ok=True)
    read_end, write_end = os.pipe()
    tty = status = None
    followers = []
    try:
        _write_run(directory, kernel, command, modules, target.TERMINAL if on_terminal else None)
        with contextlib.ExitStack() as stack:
            if on_terminal:
                tty = stack.enter_context(terminal.lent())
            else:
                followers = [_Follower(directory / 'out', out or sys.stdout.buffer),
                             _Follower(directory / 'err', err or sys.stderr.buffer)]
            child = target.boot(kernel, [directory, *_writable()], write_end, tty, **machine)
            # Before the terminal is restored: the guest may change it until then.
            stack.callback(_kill, child)
            started(child)
            os.close(write_end)
            write_end = -1
            in_time = _watch(child, read_end, log, followers,
                             None if on_terminal else time.monotonic() + timeout,
                             stopped)
            if in_time:
                child.wait()
        with contextlib.suppress(OSError, ValueError):
            status = int((directory / 'status').read_text(encoding='utf-8'))
        return status, in_time, child.returncode
    finally:
        for follower in followers:
            follower.close()
        os.close(read_end)
        if write_end >= 0:
            os.close(write_end)
        shutil.rmtree(directory, ignore_errors=True)


def _kill(child):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    stop(child)


_asking = threading.Lock()


@functools.cache
def _kvm_works(kernel):
    """Whether to use KVM: if this kernel reaches user space under it, and ends."""
    return kvm.works(lambda: _boot(kernel, 'true', kernel.log('kvm-boot'), kvm.PATIENCE,
                                   kvm=True)[0] == 0)


def room(kernel, guests):
    """For how many of so many guests at a time there is room, and where, for run()."""
    return MACHINES[kernel.target].room(guests)


def run(kernel, command, log, timeout=120, modules=(), out=None, err=None, where=None,
        stopped=lambda: False, started=lambda child: None, processors=2, machine=()):
    """Boot the kernel, run a shell command in it, and return its exit status.

    modules: what to load first. timeout: seconds for all of it, more where the
    guest is slow; None gives the command the terminal. out, err: where its
    output goes, byte for byte; our own by default. where: what room() returns. log: the file for the kernel
    log. stopped: is asked now and then whether to give up. started: is told
    which child the machine is. processors: how many the guest has. machine:
    more for the command line of the machine.

    A report in the kernel log, a death and a time-out are said, with the lines
    that matter, and fail the run whatever the command's status was.
    """
    options = {'extra': machine, 'processors': processors, **(where or room(kernel, 1)[1])}
    if kernel.target == 'x86_64':
        with _asking:
            options['kvm'] = _kvm_works(kernel)
    if timeout:
        timeout *= DEBUG_SLOWNESS if kernel.debug else 1
        timeout *= 1 if options.get('kvm') else MACHINES[kernel.target].SLOWNESS
    status, in_time, ended = _boot(kernel, command, log, timeout, modules, out, err, stopped,
                                   started, **options)
    if stopped():
        return STOPPED
    report = splats(log)
    if report:
        say('the kernel log has a report; the run has failed:')
    elif not in_time:
        say(f'the guest was stopped after {timeout} s, its time limit')
    elif status is None:
        say(f'the guest died, the kernel ended with {ended}; its last words:')
        report = log.read_text(errors='replace').replace('\r', '').splitlines()[-CONTEXT_LINES:]
    else:
        return status
    for line in report:
        say('  ' + line)
    say(f'kernel log: {log}')
    return DIED if in_time else TIMED_OUT
