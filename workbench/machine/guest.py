# SPDX-License-Identifier: GPL-2.0-only
"""Boot a kernel, run a command in it, and check the kernel log for reports."""

import contextlib
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
from machine.gate import CONSOLE, DESCRIPTOR, READY

USER_SPACE = 'workbench: guest: user space is up'

# The factor by which limits are longer on a kernel with checkers.
DEBUG_SLOWNESS = 6

# The default limit for a command, in seconds; longer on a slow guest.
TIMEOUT = 120

# A kernel hangs if it prints nothing for so many seconds before user space starts.
BOOT_SILENCE = 60

# The time to wait for the rest of a report, in seconds: until the log is silent for
# the first, and no longer than the second.
REPORT_GRACE = 1, 10

# The number of log lines that are printed when a guest dies without a report.
LAST_LINES = 25

# The results of run() if the guest fails or if its caller stops it.
DIED = 125
TIMED_OUT = 124
STOPPED = 130
FAILURES = {DIED: 'a guest died or its kernel log has a report', TIMED_OUT: 'a guest was stopped by its time limit'}
STOP_REQUESTED = 'requested'


class _Follower:
    """Copies the data that is appended to a file to an output of the workbench."""

    def __init__(self, path, out):
        path.touch()
        self.file = open(path, 'rb')
        self.out = out

    def copy(self):
        """Copy new data; return whether there was any."""
        data = self.file.read()
        if data:
            self.out.write(data)
            self.out.flush()
        return bool(data)

    def close(self):
        self.copy()
        self.file.close()


def _writable_directories(kernel):
    """Return the directories of the host that the guest can write to."""
    directories = [REPO, build_root(), *(overlay.root for overlay in kernel.subject.overlays)]
    return [path for path in dict.fromkeys(directories) if not set(path.parents) & set(directories)]


def _write_run_directory(run, kernel, command, modules, tty, stop_at_report, judge=True, gate=None):
    """Write the files that the init of the guest requires.

    run: the directory. tty: the name of the terminal in the guest if the command gets
    one, otherwise None. stop_at_report: whether a report makes the kernel panic. judge:
    whether the checkers of the kernel run after the command. gate: a Gate, which then
    writes the command.
    """
    # A copy, since the path of this clone may not be plain, as the kernel command line requires.
    shutil.copy(WORKBENCH / 'machine/init/init', run)
    (run / 'writable').write_text(''.join(f'{path}\n' for path in _writable_directories(kernel)), encoding='utf-8')
    # Behind a gate, the modules may not be built yet when init runs.
    (run / 'modules').write_text('\n' if gate else f'{kernel.modules}\n', encoding='utf-8')
    if not gate:
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
        # run_kselftest.sh opens /dev/stdout again. Without O_APPEND, both would write at the same offset.
        lines.append(f'exec </dev/null >>{here}/out 2>>{here}/err')
    if gate:
        lines += [f'exec {DESCRIPTOR}<{CONSOLE}', f': >{here}/{READY}', f'read -r _ <&{DESCRIPTOR}',
                  f'cp -a {shlex.quote(str(kernel.modules))}/lib/modules/* /lib/modules']
    for module in modules:
        lines.append(f'modprobe {module} || {{ echo 1 >{here}/status; exit; }}')
    lines.append(f'{"setsid -c " if tty else ""}sh {here}/command')
    lines.append(f'echo $? >{here}/status')
    if judge:
        lines.append(f'. {scripts}/afterwards')
    (run / 'start').write_text('\n'.join(lines) + '\n', encoding='utf-8')


class _Limits(NamedTuple):
    """The limits of a guest, in seconds; 0 is no limit.

    total: the limit for the whole run. silence: the limit without a line in the log or
    in the output. boot: the same before user space starts. report: whether a report
    ends the run.
    """
    total: float
    silence: float
    boot: float
    report: bool


class _Watchdog:
    """Decides when to stop a guest, by its limits and by its last output."""

    def __init__(self, limits, scanner):
        self.limits = limits
        self.scanner = scanner
        self.start = self.last_log = self.last_output = time.monotonic()
        self.report_time = None

    def restart(self):
        """Let the limits begin now."""
        self.start = self.last_log = self.last_output = time.monotonic()

    def note(self, log, output):
        """Record the time; log, output: whether there is new data in the log and in the output."""
        now = time.monotonic()
        self.last_log = now if log else self.last_log
        self.last_output = now if log or output else self.last_output
        if self.scanner.has_report and self.report_time is None:
            self.report_time = now

    def reason_to_stop(self):
        """Return why the guest has to be stopped, as a message; None if it may continue."""
        now = time.monotonic()
        limits = self.limits
        quiet, total = REPORT_GRACE
        silence = limits.silence if self.scanner.has_begun else limits.boot
        if limits.report and self.report_time and (now - self.last_log > quiet or now - self.report_time > total):
            return 'the guest was stopped after a report'
        if limits.total and now - self.start > limits.total:
            return f'the guest was stopped after {limits.total:g} s, its time limit (TIMEOUT={limits.total:g})'
        if silence and now - self.last_output > silence:
            return (f'the guest was stopped: no line in its log and no output for {silence:g} s'
                    + ('' if self.scanner.has_begun else ', before user space started'))
        return None


def _watch(child, log_fd, log, followers, watchdog, should_stop, run=None, gate=None):
    """Copy the log and the outputs until the kernel ends or has to be stopped.

    run: the run directory. The limits of a guest that waits at a gate begin when the gate
    opens. Return why the guest has to be stopped, None if it has ended.
    """
    with open(log, 'wb', buffering=0) as out, selectors.DefaultSelector() as selector:
        selector.register(log_fd, selectors.EVENT_READ)
        ended = False
        while True:
            # select() also returns when the kernel ends.
            ready = selector.select(0.01 if gate and not gate.is_attached else 0.05)
            data = os.read(log_fd, 65536) if ready else b''
            out.write(data)
            watchdog.scanner.feed(data)
            watchdog.note(bool(data), any([follower.copy() for follower in followers]))
            if gate and not gate.is_attached and (run / READY).exists():
                gate.attach(run)
            if gate and gate.is_attached and not gate.is_open:
                watchdog.restart()
            # Reading continues after the end, until the log is empty.
            if ended and not data:
                return None
            ended = child.poll() is not None
            why = STOP_REQUESTED if should_stop() else watchdog.reason_to_stop()
            if why:
                return why


def _boot(kernel, command, log, watchdog, on_terminal=False, modules=(), out=None, err=None,
          should_stop=lambda: False, on_start=lambda child: None, judge=True, gate=None, **machine):
    """Boot; return the status of the command, why the guest was stopped, the status of the child.

    The arguments are those of run(); machine: those of Machine.boot().
    """
    target = kernel.target
    directory = Path(tempfile.mkdtemp(prefix='guest-'))
    log.parent.mkdir(parents=True, exist_ok=True)
    read_end, write_end = os.pipe()
    tty = status = None
    followers = []
    try:
        _write_run_directory(directory, kernel, command, modules, target.terminal if on_terminal else None,
                             watchdog.limits.report, judge, gate)
        if gate:
            machine['gate'] = gate.read_end
        with contextlib.ExitStack() as stack:
            if on_terminal:
                tty = stack.enter_context(terminal.preserved())
            else:
                followers = [_Follower(directory / 'out', out or sys.stdout.buffer),
                             _Follower(directory / 'err', err or sys.stderr.buffer)]
            child = target.boot(kernel, [directory, *_writable_directories(kernel)], write_end, tty, **machine)
            # The guest ends before the terminal is restored, since it may change the terminal.
            stack.callback(_kill, child)
            on_start(child)
            os.close(write_end)
            write_end = -1
            why = _watch(child, read_end, log, followers, watchdog, should_stop, directory, gate)
            if not why:
                child.wait()
                target.save_measurements(kernel, log)
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
    limits = _Limits(kvm.TIMEOUT, kvm.SILENCE, kvm.SILENCE, report=True)
    status, why, child_status = _boot(kernel, 'true', log, _Watchdog(limits, scanner), kvm=True)
    lines = scanner.report()
    if status == 0 and not lines:
        return ''
    if lines:
        why = f'a boot under KVM ended with "{lines[0].strip()}"'
    return f'{why or f"QEMU ended with {child_status} under KVM"} (log: {log})'


# Whether a kernel boots under KVM, by its image. A trial takes up to a minute.
_usable: dict[Path, bool] = {}
_kvm_lock = threading.Lock()


def _kvm_is_usable(kernel):
    with _kvm_lock:
        if kernel.image not in _usable:
            _usable[kernel.image] = kvm.is_usable(lambda: _try_kvm(kernel))
        return _usable[kernel.image]


def slowness(kernel, with_kvm=False):
    """Return the factor by which limits are longer for a kernel than for the um kernel."""
    return max(DEBUG_SLOWNESS if kernel.debug else 1,
               1 if with_kvm else kernel.target.slowness)


def capacity(kernel, guests):
    """Return how many of some guests fit into memory at a time, and their location, for run()."""
    return kernel.target.capacity(guests)


def _explain(lines, why, child_status, log):
    """Print why a guest failed, with the relevant lines of its log."""
    if lines:
        say('the kernel log has a report; the run has failed:')
    elif why:
        say(why)
    else:
        say(f'the guest died: the kernel ended with {child_status}; the end of its log:')
        lines = log.read_text(errors='replace').replace('\r', '').splitlines()[-LAST_LINES:]
    for line in lines:
        say('  ' + line)
    say(f'kernel log: {log}')


def run(kernel, command, log, timeout=None, limit=TIMEOUT, silence=0, on_terminal=False, location=None,
        modules=(), out=None, err=None, should_stop=lambda: False, on_start=lambda child: None, processors=2,
        extra=(), options=(), stop_at_report=True, with_kvm=True, judge=True, explain=True, gate=None):
    """Boot the kernel, run a shell command in it, and return its exit status.

    A report in the kernel log, the death of the guest and a time-out are printed with
    the relevant lines, and fail the run whatever the status of the command: the result
    is one of FAILURES.

    log: the file for the kernel log. timeout: the exact limit for the run in seconds, if
    the user sets it. limit: the limit otherwise, multiplied for a slow guest. silence:
    the limit without a line in the log or in the output, 0 for none. on_terminal: the
    command gets the terminal and has no limit. location: that of capacity(). modules:
    are loaded before the command. out, err: binary files for the output, by default
    stdout and stderr. should_stop: is called repeatedly, and returns whether to stop the
    guest. on_start: is called with the child process of the machine. processors: those
    of the guest. extra, options: those of Machine.boot(). stop_at_report: whether a
    report stops the guest. with_kvm: whether KVM may be used. judge: False if the caller
    checks the kernel log; then nothing is printed, and the checkers of the kernel do not
    run after the command. explain: whether to print why a guest failed. gate: holds the
    guest back after it has booted, and has the command in place of this one; um only.
    """
    machine = {'extra': extra, 'options': options, 'processors': processors,
               **(location or capacity(kernel, 1)[1])}
    if kernel.target.has_kvm:
        machine['kvm'] = with_kvm and _kvm_is_usable(kernel)
    slow = slowness(kernel, machine.get('kvm', False))
    scanner = report.Scanner(USER_SPACE)
    limits = _Limits(0 if on_terminal else timeout or limit * slow, silence, BOOT_SILENCE * slow,
                     stop_at_report)
    status, why, child_status = _boot(kernel, command, log, _Watchdog(limits, scanner), on_terminal, modules,
                                      out, err, should_stop, on_start, judge, gate, **machine)
    if why == STOP_REQUESTED:
        return STOPPED
    lines = scanner.report()
    if not lines and not why and status is not None:
        return status
    if judge and explain:
        _explain(lines, why, child_status, log)
    return TIMED_OUT if why and not lines else DIED
