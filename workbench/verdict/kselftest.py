# SPDX-License-Identifier: GPL-2.0-only
"""Run the kselftests, shared out among a few guests."""

import concurrent.futures
import contextlib
import hashlib
import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from typing import NamedTuple

from host.console import UserError, say
from host.environment import environment
from host.paths import CACHE
from kernel import build
from machine import guest
from subject.overlay import SELFTESTS, Selftests
from verdict.count import count_kselftest, with_status
from verdict.results import Results, from_kselftest as results_as_ktap

# What the run prints at the beginning and at the end of a program.
_BEGIN = re.compile(r'^# (selftests: \S+ \S+)$')
_RESULT = re.compile(r'^((?:not )?ok) \d+ (selftests: (\S+ \S+).*)$')

# Seconds for a guest with all of its programs, where the user names none.
LIMIT = 600

# Seconds for one program, without and with the checkers of a debugging kernel; and
# how many more may pass without output before the guest counts as hung.
PROGRAM_LIMIT = {False: 120, True: 600}
MARGIN = 60


class Program(NamedTuple):
    """A program, and the target of kselftest that it belongs to."""
    target: str
    name: str

    def __str__(self) -> str:
        return f'{self.target}: {self.name}'


def about(kernel, program: Program) -> Selftests:
    """Return what the overlay of a program says about its selftests."""
    return kernel.subject.targets[program.target].description.selftests


def unsupported(kernel, program: Program) -> str:
    """Return what a kernel lacks for a program, '' if it can run it and it is of use there."""
    description = about(kernel, program)
    kinds = [kernel.target.name, *(['debug'] if kernel.debug else [])]
    for kind in kinds:
        if program.name in description.unsupported.get(kind, {}):
            return description.unsupported[kind][program.name]
    # The data race detector is too slow for programs in which nothing races.
    detects_races = kernel.debug and 'KCSAN' in kernel.target.sanitizers
    if detects_races and description.races and program.name not in description.races:
        return 'races'
    return ''


def _make(kernel, target: str, *arguments):
    return ['make', '-s', '--no-print-directory', '-C', f'{kernel.tree}/{SELFTESTS}/{target}', *arguments]


def programs(kernel) -> list[Program]:
    """Return the programs that a run in a guest runs, those on request included."""
    found = []
    for target, overlay in kernel.subject.targets.items():
        command = _make(kernel, target, 'OUTPUT=.', f'COLLECTION={target}', 'emit_tests')
        result = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
        names = [line.rpartition(':')[2] for line in result.stdout.splitlines()]
        found += [Program(target, name) for name in (*names, *overlay.description.selftests.on_request)]
    return found


def _chosen(kernel, tests) -> list[Program]:
    """Return the programs asked for, or all that run on this kernel."""
    available = [program for program in programs(kernel) if not unsupported(kernel, program)]
    names = {program.name for program in available} | {f'{program.target}:{program.name}' for program in available}
    unknown = [test for test in tests if test not in names]
    if unknown:
        raise UserError(f'TEST: {kernel.name} runs no kselftest {unknown[0]}; it runs:\n  '
                        + ' '.join(program.name for program in available))
    return [program for program in available
            if program.name in tests or f'{program.target}:{program.name}' in tests] if tests else available


class Seconds:
    """How long each program took the last time, kept from run to run.

    They are those of a kernel with one configuration, on so many processors.
    """

    def __init__(self, kernel):
        self.path = CACHE / f'kselftest-{kernel.name}.json'
        configuration = (kernel.out / '.config').read_bytes()
        self.on = f'{kernel.release()} {hashlib.sha256(configuration).hexdigest()} {build.JOBS}'
        self.of = {}
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            kept = json.loads(self.path.read_text(encoding='utf-8'))
            if kept['on'] == self.on:
                self.of = {name: float(seconds) for name, seconds in kept['of'].items()}

    def shares(self, names, count):
        """Share programs out so that all shares take about as long.

        Each share stays in the order of the names.
        """
        shares: list[list] = [[] for _ in range(min(count, len(names)))]
        loads = [0.0] * len(shares)
        for name in sorted(names, key=lambda name: -self.of.get(str(name), 1)):
            least = loads.index(min(loads))
            shares[least].append(name)
            loads[least] += self.of.get(str(name), 1)
        return [sorted(share, key=names.index) for share in shares]

    def keep(self):
        """Keep them; another clone may do so at the same time."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f'{self.path.name}.{os.getpid()}')
        part.write_text(json.dumps({'on': self.on, 'of': self.of}, indent=1), encoding='utf-8')
        os.replace(part, self.path)


class Report:
    """One report out of what several guests print, a program at a time."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.lock = threading.Lock()
        self.lines = []
        self.ended = 0

    def add(self, lines):
        """Print the lines of a program, and keep them; its number is ours."""
        with self.lock:
            match = _RESULT.match(lines[-1])
            if match:
                self.ended += 1
                lines[-1] = f'{match[1]} {self.ended} {match[2]}'
            self.lines += lines
            sys.stdout.write(''.join(line + '\n' for line in lines))
            sys.stdout.flush()

    def from_guest(self):
        return _Part(self)


class _Part(io.RawIOBase):
    """The output of one guest: a file to write to."""

    def __init__(self, report):
        super().__init__()
        self.report = report
        self.rest = b''
        self.lines = []
        self.begun = None

    def writable(self):
        return True

    def write(self, data):
        *lines, self.rest = (self.rest + data).split(b'\n')
        for line in lines:
            line = line.decode(errors='replace')
            self.begun = self.begun or time.monotonic()
            self.lines.append(line)
            match = _RESULT.match(line)
            if match:
                now = time.monotonic()
                self.report.seconds.of[match[3]] = round(now - self.begun, 2)
                self.begun = now
                self.report.add(self.lines)
                self.lines = []
        return len(data)

    def finish(self):
        """Hand on what a guest printed after its last result, if it died, as a program that failed."""
        lines = [*self.lines, *([self.rest.decode(errors='replace')] if self.rest else [])]
        begun = [match[1] for match in map(_BEGIN.match, lines) if match]
        if begun:
            lines.append(f'not ok 0 {begun[-1]} # the guest ended')
        if lines:
            self.report.add(lines)


def _command(kernel, share):
    """Return the shell command that runs these programs through the tree's run_tests.

    The runner marks output with a Perl script that makes two system calls a
    byte, a quarter of the whole run on um; without perl it uses sed. A second
    processor is left to the programs that race, which take all processors
    themselves.
    """
    lines = [f'export kselftest_override_timeout={PROGRAM_LIMIT[kernel.debug]}',
             'mount --bind /dev/null /usr/bin/perl', 'status=0']
    for target in dict.fromkeys(program.target for program in share):
        built = kernel.out / 'kselftest' / target
        names = [program.name for program in share if program.target == target]
        scripts = [name for name in names if name.endswith('.sh')]
        binaries = [f'{built}/{name}' for name in names if name not in scripts]
        run_tests = _make(kernel, target, f'OUTPUT={built}', 'run_tests',
                          f'TEST_GEN_PROGS={" ".join(binaries)}', f'TEST_PROGS={" ".join(scripts)}')
        lines.append(f'taskset -c 0 {shlex.join(run_tests)} || status=$?')
    return '\n'.join([*lines, 'exit $status'])


def _guests(kernel, seconds, names, most=8):
    """What each guest runs, and the processor of the host that it keeps to, if one; at most so many.

    Those with one are quicker by more than a half on um, where a system call is
    a switch between two processes of the host. Two processors of a guest that
    have only one turn between them spin while they wait for each other.
    There are two such guests to a processor there, since some programs sleep.
    """
    detector = kernel.debug and 'KCSAN' in kernel.target.sanitizers
    racing = [program for program in names if detector or program.name in about(kernel, program).parallel]
    others = [name for name in names if name not in racing]
    count = min(most - bool(racing), build.JOBS * kernel.target.parallel_guests)
    if others and count < 1:
        # One guest for all.
        return [(names, None)]
    return [*((share, None) for share in seconds.shares(racing, 1)),
            *zip(seconds.shares(others, count), itertools.cycle(sorted(os.sched_getaffinity(0))))]


def _worst(statuses):
    """The status to report of those of all guests: a failure of a guest itself comes first."""
    return max(statuses, key=lambda status: (status in guest.FAILURES, status != guest.STOPPED, abs(status)))


def _write(results: Results, kernel, report, guests, chosen):
    """Write the results of a run, with the logs of its guests."""
    lines = results_as_ktap(report.lines, [str(program) for program in chosen])
    for number, (share, _) in enumerate(guests, 1):
        name = results.add_kernel_log('kselftest', kernel.log(f'kselftest-boot-{number}'), number)
        lines.append(f'# {name}: {" ".join(program.name for program in share)}')
    results.add('kselftest', kernel.tree, lines)


def run(kernel, tests=(), timeout=None, results: Results | None = None):
    """Run the kselftests, or those named, on the booted kernel; return the tally.

    timeout: seconds for each guest, if the user names them. results: where to write
    them. When one of the guests fails, the others are stopped.
    """
    build.build_selftests(kernel)
    chosen = _chosen(kernel, tests)
    seconds = Seconds(kernel)
    report = Report(seconds)
    stop = threading.Event()
    guests = _guests(kernel, seconds, chosen)
    most, location = guest.capacity(kernel, len(guests))
    if most < len(guests):
        say(f'there is memory for {most} of {len(guests)} guests at a time')
        guests = _guests(kernel, seconds, chosen, most)

    def run_guest(number, share, processor):
        part = report.from_guest()
        if processor is not None:
            # Of this thread, and the guest that it starts.
            os.sched_setaffinity(0, {processor})
        try:
            status = guest.run(kernel, _command(kernel, share), kernel.log(f'kselftest-boot-{number}'),
                               timeout, LIMIT, silence=PROGRAM_LIMIT[kernel.debug] + MARGIN, location=location,
                               out=part, should_stop=stop.is_set, processors=2 if processor is None else 1)
        except BaseException:
            stop.set()
            raise
        finally:
            part.finish()
        if status in guest.FAILURES:
            stop.set()
        return status

    with concurrent.futures.ThreadPoolExecutor(len(guests)) as pool:
        try:
            statuses = list(pool.map(run_guest, range(1, len(guests) + 1), *zip(*guests)))
        except BaseException:
            stop.set()
            raise
    seconds.keep()
    if results:
        _write(results, kernel, report, guests, chosen)
    tally = count_kselftest('\n'.join(report.lines), chosen)
    return with_status(tally, _worst(statuses), 'kselftest')
