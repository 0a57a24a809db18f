# SPDX-License-Identifier: GPL-2.0-only
"""Boot a um kernel, run something in it, and judge what its log says."""

import contextlib
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from console import say
from paths import REPO, WORKBENCH, build_root
from process import environment, start, stop

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


def _write_run(run, kernel, command, modules, terminal):
    """Leave in the run directory what the guest's init expects there."""
    writable = [REPO]
    if REPO not in build_root().parents:
        writable.append(build_root())
    (run / 'writable').write_text(''.join(f'{path}\n' for path in writable), encoding='utf-8')
    (run / 'modules').write_text(f'{kernel.modules}\n', encoding='utf-8')
    (run / 'command').write_text(command + '\n', encoding='utf-8')
    here = '/run/lkmdemo'
    lines = [f'cd {shlex.quote(str(REPO))}']
    if terminal:
        size = os.get_terminal_size()
        lines.append('exec </dev/tty1 >/dev/tty1 2>&1')
        lines.append(f'stty sane rows {size.lines} cols {size.columns}')
        lines.append(f'export TERM={shlex.quote(os.environ.get("TERM", "linux"))}')
    else:
        lines.append(f'exec </dev/null >{here}/out 2>{here}/err')
    for module in modules:
        lines.append(f'modprobe {module} || {{ echo 1 >{here}/status; exit; }}')
    lines.append(f'{"setsid -c " if terminal else ""}sh {here}/command')
    lines.append(f'echo $? >{here}/status')
    lines.append(f'. {shlex.quote(str(WORKBENCH))}/guest/afterwards')
    (run / 'start').write_text('\n'.join(lines) + '\n', encoding='utf-8')


def _command_line(kernel, run, console):
    return [str(kernel.out / 'linux'), 'mem=512M', 'ncpus=2', 'seccomp=on', 'loglevel=7',
            'root=/dev/root', 'rootfstype=hostfs', 'hostfs=/', 'ro', 'panic=-1',
            f'init="{WORKBENCH}/guest/init"', f'LKM_RUN="{run}"', f'uml_dir={run}/uml/',
            # A module unloads in no time when it need not wait for the other CPU.
            'rcupdate.rcu_expedited=1', 'con=null', *console]


@contextlib.contextmanager
def _terminal():
    """Give the terminal to the guest, and put it back as it was."""
    before = termios.tcgetattr(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def _watch(child, log_fd, log, followers, deadline, stopped):
    """Copy the log and the outputs until the kernel has ended, or has to."""
    with open(log, 'wb') as out, selectors.DefaultSelector() as selector:
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


def run(kernel, command, log, timeout=120, modules=(), out=None, err=None,
        stopped=lambda: False):
    """Boot the kernel, run a shell command in it, and return its exit status.

    modules: what to load first. timeout: seconds for all of it, more on a
    debugging kernel; None gives the command the terminal. out, err: where its
    output goes, byte for byte; our own by default. log: the file for the kernel
    log. stopped: is asked now and then whether to give up.

    A report in the kernel log, a death and a time-out are said, with the lines
    that matter, and fail the run whatever the command's status was.
    """
    terminal = timeout is None
    if kernel.debug and not terminal:
        timeout *= DEBUG_SLOWNESS
    directory = Path(tempfile.mkdtemp(prefix='lkmdemo-'))
    log.parent.mkdir(parents=True, exist_ok=True)
    read_end, write_end = os.pipe()
    child = None
    followers = []
    try:
        _write_run(directory, kernel, command, modules, terminal)
        pass_fds = [write_end]
        console = [f'con0=null,fd:{write_end}']
        with contextlib.ExitStack() as stack:
            if terminal:
                stack.enter_context(_terminal())
                tty = os.dup(0)
                stack.callback(os.close, tty)
                pass_fds.append(tty)
                console.append(f'con1=fd:{tty},fd:{tty}')
            else:
                followers = [_Follower(directory / 'out', out or sys.stdout.buffer),
                             _Follower(directory / 'err', err or sys.stderr.buffer)]
            child = start(_command_line(kernel, directory, console), pass_fds=pass_fds,
                          stdin=None if terminal else subprocess.DEVNULL, stdout=write_end, stderr=write_end,
                          env=environment())
            os.close(write_end)
            write_end = -1
            in_time = _watch(child, read_end, log, followers,
                             None if terminal else time.monotonic() + timeout,
                             stopped)
            if in_time:
                child.wait()
        if stopped():
            return STOPPED
        return _verdict(directory, log, child, timeout if not in_time else 0)
    finally:
        if child:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            stop(child)
        for follower in followers:
            follower.close()
        os.close(read_end)
        if write_end >= 0:
            os.close(write_end)
        shutil.rmtree(directory, ignore_errors=True)


def _verdict(directory, log, child, timed_out):
    status = None
    with contextlib.suppress(OSError, ValueError):
        status = int((directory / 'status').read_text(encoding='utf-8'))
    report = splats(log)
    if report:
        say('the kernel log has a report; the run has failed:')
    elif timed_out:
        say(f'the guest was stopped after {timed_out} s, its time limit')
    elif status is None:
        say(f'the guest died, the kernel ended with {child.returncode}; its last words:')
        report = log.read_text(errors='replace').replace('\r', '').splitlines()[-CONTEXT_LINES:]
    else:
        return status
    for line in report:
        say('  ' + line)
    say(f'kernel log: {log}')
    return TIMED_OUT if timed_out else DIED
