# SPDX-License-Identifier: GPL-2.0-only
"""Boot a kernel, run something in it, and judge what its log says."""

import contextlib
import functools
import os
import selectors
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from host import terminal
from host.console import say
from host.paths import REPO, WORKBENCH, build_root
from host.process import stop
from machine import kvm, report

USER_SPACE = 'workbench: guest: user space is up'

# The checkers of a debugging kernel make it this much slower, and more.
DEBUG_SLOWNESS = 6

# Seconds that a command gets where nobody asks for more; more where the guest is slow.
TIMEOUT = 120

# A kernel that says nothing for so many seconds before it reaches user space hangs.
BOOT_SILENCE = 60

# The rest of a report gets this long to arrive: until the log is silent for the
# first, and no longer than the second.
REPORT_GRACE = 1, 10

# How much of the log is shown where a guest dies without a report.
LAST_LINES = 25

# What run() returns where the guest itself has failed, and where its caller stopped it.
DIED = 125
TIMED_OUT = 124
STOPPED = 130
FAILURES = {DIED: 'a guest died or its kernel log has a report', TIMED_OUT: 'a guest was stopped by its time limit'}
STOP_REQUESTED = 'requested'


class _Follower:
    """Copies what is appended to a file to one of our own outputs."""

    def __init__(self, path, out):
        path.touch()
        self.file = open(path, 'rb')
        self.out = out

    def copy(self):
        """Copy what is new; return whether there was any."""
        data = self.file.read()
        if data:
            self.out.write(data)
            self.out.flush()
        return bool(data)

    def close(self):
        self.copy()
        self.file.close()


def _writable(kernel):
    """Return the directories of the host that the guest may change."""
    wanted = [REPO, build_root(), *(overlay.root for overlay in kernel.subject.overlays)]
    return [path for path in dict.fromkeys(wanted) if not set(path.parents) & set(wanted)]


def _write_run(run, kernel, command, modules, tty, stop_at_report, judge=True):
    """Leave in the run directory what the guest's init expects there.

    tty: the guest's name for the terminal that the command gets, if it gets one.
    stop_at_report: whether the kernel panics where it reports something. judge:
    whether its checkers are asked at the end what they have found.
    """
    # The command line of a kernel takes their path as it is, and not any path of a clone.
    for name in ('init', 'fstab'):
        shutil.copy(WORKBENCH / 'machine/init' / name, run)
    (run / 'writable').write_text(''.join(f'{path}\n' for path in _writable(kernel)), encoding='utf-8')
    (run / 'modules').write_text(f'{kernel.modules}\n', encoding='utf-8')
    (run / 'command').write_text(command + '\n', encoding='utf-8')
    here = '/run/workbench'
    scripts = shlex.quote(str(WORKBENCH / 'machine/init'))
    lines = [f'. {scripts}/before'] if stop_at_report else []
    lines.append(f'cd {shlex.quote(str(kernel.subject.directory))}')
    if tty:
        size = os.get_terminal_size()
        lines.append(f'exec <{tty} >{tty} 2>&1')
        lines.append(f'stty sane rows {size.lines} cols {size.columns}')
        lines.append(f'export TERM={shlex.quote(os.environ.get("TERM", "linux"))}')
    else:
        # run_kselftest.sh opens /dev/stdout anew; without O_APPEND both would write at the same offset.
        lines.append(f'exec </dev/null >>{here}/out 2>>{here}/err')
    for module in modules:
        lines.append(f'modprobe {module} || {{ echo 1 >{here}/status; exit; }}')
    lines.append(f'{"setsid -c " if tty else ""}sh {here}/command')
    lines.append(f'echo $? >{here}/status')
    if judge:
        lines.append(f'. {scripts}/afterwards')
    (run / 'start').write_text('\n'.join(lines) + '\n', encoding='utf-8')


class _Limits(NamedTuple):
    """When a guest is stopped.

    total: after so many seconds. silence: when neither its log nor its output
    grows for so many; boot: the same before user space is up. 0 is no limit.
    report: whether a report stops it.
    """
    total: float
    silence: float
    boot: float
    report: bool


class _Patience:
    """Says when a guest has to be stopped, from when it was last heard."""

    def __init__(self, limits, scanner):
        self.limits = limits
        self.scanner = scanner
        self.start = self.logged = self.heard = time.monotonic()
        self.reported = None

    def note(self, log, output):
        """Note whether there is something new in the log, and in the output."""
        now = time.monotonic()
        self.logged = now if log else self.logged
        self.heard = now if log or output else self.heard
        if self.scanner.found and self.reported is None:
            self.reported = now

    def verdict(self):
        """Why the guest has to be stopped, as a sentence; None if it need not be."""
        now = time.monotonic()
        limits = self.limits
        quiet, whole = REPORT_GRACE
        silence = limits.silence if self.scanner.begun else limits.boot
        if limits.report and self.reported and (now - self.logged > quiet or now - self.reported > whole):
            return 'the guest was stopped at a report'
        if limits.total and now - self.start > limits.total:
            return f'the guest was stopped after {limits.total:g} s, its time limit (TIMEOUT={limits.total:g})'
        if silence and now - self.heard > silence:
            return (f'the guest was stopped: nothing in its log or its output for {silence:g} s'
                    + ('' if self.scanner.begun else ', before user space was up'))
        return None


def _watch(child, log_fd, log, followers, patience, stopped):
    """Copy the log and the outputs until the kernel has ended, or has to be stopped.

    Returns why it has to be, None if it has ended.
    """
    with open(log, 'wb', buffering=0) as out, selectors.DefaultSelector() as selector:
        selector.register(log_fd, selectors.EVENT_READ)
        ended = False
        while True:
            # Once more after the end: the log may have more than one read takes.
            ready = selector.select(0.02)
            data = os.read(log_fd, 65536) if ready else b''
            out.write(data)
            patience.scanner.feed(data)
            patience.note(bool(data), any([follower.copy() for follower in followers]))
            if ended and not data:
                return None
            ended = child.poll() is not None
            why = STOP_REQUESTED if stopped() else patience.verdict()
            if why:
                return why


def _boot(kernel, command, log, patience, on_terminal=False, modules=(), out=None, err=None,
          stopped=lambda: False, started=lambda child: None, judge=True, **machine):
    """Boot, and return the command's status, why the guest was stopped, the child's status.

    The arguments are those of run(); machine: those of the machine's boot().
    """
    target = kernel.target
    directory = Path(tempfile.mkdtemp(prefix='guest-'))
    log.parent.mkdir(parents=True, exist_ok=True)
    read_end, write_end = os.pipe()
    tty = status = None
    followers = []
    try:
        _write_run(directory, kernel, command, modules, target.terminal if on_terminal else None,
                   patience.limits.report, judge)
        with contextlib.ExitStack() as stack:
            if on_terminal:
                tty = stack.enter_context(terminal.preserved())
            else:
                followers = [_Follower(directory / 'out', out or sys.stdout.buffer),
                             _Follower(directory / 'err', err or sys.stderr.buffer)]
            child = target.boot(kernel, [directory, *_writable(kernel)], write_end, tty, **machine)
            # Before the terminal is restored: the guest may change it until then.
            stack.callback(_kill, child)
            started(child)
            os.close(write_end)
            write_end = -1
            why = _watch(child, read_end, log, followers, patience, stopped)
            if not why:
                child.wait()
        with contextlib.suppress(OSError, ValueError):
            status = int((directory / 'status').read_text(encoding='utf-8'))
        return status, why, child.returncode
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


def _try_kvm(kernel):
    """Boot a kernel under KVM; return why it does not reach user space, '' if it does."""
    log = kernel.log('kvm-boot')
    scanner = report.Scanner(USER_SPACE)
    limits = _Limits(kvm.PATIENCE, kvm.SILENCE, kvm.SILENCE, report=True)
    status, why, ended = _boot(kernel, 'true', log, _Patience(limits, scanner), kvm=True)
    lines = scanner.report()
    if status == 0 and not lines:
        return ''
    if lines:
        why = f'a boot under it ends with "{lines[0].strip()}"'
    return f'{why or f"QEMU under it ends with {ended}"} (log: {log})'


_asking = threading.Lock()


@functools.cache
def _kvm_works(kernel):
    return kvm.works(lambda: _try_kvm(kernel))


def slowness(kernel, with_kvm=False):
    """How many times longer than on um something may take on a kernel."""
    return max(DEBUG_SLOWNESS if kernel.debug else 1,
               1 if with_kvm else kernel.target.slowness)


def room(kernel, guests):
    """For how many of so many guests at a time there is room, and where, for run()."""
    return kernel.target.room(guests)


def _explain(lines, why, ended, log):
    """Print why a guest has failed, with the lines of its log that matter."""
    if lines:
        say('the kernel log has a report; the run has failed:')
    elif why:
        say(why)
    else:
        say(f'the guest died, the kernel ended with {ended}; its last words:')
        lines = log.read_text(errors='replace').replace('\r', '').splitlines()[-LAST_LINES:]
    for line in lines:
        say('  ' + line)
    say(f'kernel log: {log}')


def run(kernel, command, log, timeout=None, limit=TIMEOUT, silence=0, on_terminal=False, where=None,
        modules=(), out=None, err=None, stopped=lambda: False, started=lambda child: None, processors=2,
        extra=(), options=(), stop_at_report=True, with_kvm=True, judge=True):
    """Boot the kernel, run a shell command in it, and return its exit status.

    timeout: seconds for all of it, exactly, if the user names them. limit: the
    same where the user does not, more where the guest is slow. silence: seconds
    in which the log or the output has to grow, 0 for no such limit. on_terminal:
    the command gets the terminal, and has no limit. where: what room() returns.
    modules: what to load first. out, err: where its output goes, byte for byte;
    our own by default. log: the file for the kernel log. stopped: is called now
    and then, and returns whether to give up. started: is called with the child that the
    machine is. processors: how many the guest has. extra, options: those of
    Machine.boot(). stop_at_report: whether a report stops the guest. with_kvm:
    whether KVM may be used. judge: False where the caller judges the
    kernel log: nothing is printed, and the checkers are not asked at the end.

    A report in the kernel log, a death and a time-out are printed, with the lines
    that matter, and fail the run whatever the command's status was.
    """
    machine = {'extra': extra, 'options': options, 'processors': processors, **(where or room(kernel, 1)[1])}
    if kernel.target.has_kvm:
        with _asking:
            machine['kvm'] = with_kvm and _kvm_works(kernel)
    slow = slowness(kernel, machine.get('kvm', False))
    scanner = report.Scanner(USER_SPACE)
    limits = _Limits(0 if on_terminal else timeout or limit * slow, silence, BOOT_SILENCE * slow,
                     stop_at_report)
    status, why, ended = _boot(kernel, command, log, _Patience(limits, scanner), on_terminal, modules,
                               out, err, stopped, started, judge, **machine)
    if why == STOP_REQUESTED:
        return STOPPED
    lines = scanner.report()
    if not lines and not why and status is not None:
        return status
    if judge:
        _explain(lines, why, ended, log)
    return TIMED_OUT if why and not lines else DIED
