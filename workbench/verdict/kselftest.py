# SPDX-License-Identifier: GPL-2.0-only
"""Run the kselftests in several guests at a time."""

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
from pathlib import Path
from typing import NamedTuple

from host.console import UserError, say
from host.environment import environment
from host.paths import CACHE, WORKBENCH
from kernel import build, distro, foreign
from machine import distro as distro_machine, guest
from subject.overlay import SELFTESTS, Selftests
from verdict.count import count_kselftest, with_status
from verdict.results import Results, from_kselftest as results_as_ktap

# The lines that the run prints at the beginning and at the end of a program.
_BEGIN = re.compile(r'^# (selftests: \S+ \S+)$')
_RESULT = re.compile(r'^((?:not )?ok) \d+ (selftests: (\S+ \S+).*)$')

# The default limit for a guest, in seconds.
LIMIT = 600

# The limit for a program in seconds, without and with the checkers of a debug kernel.
# A guest is stopped if it prints nothing for so long and the margin.
PROGRAM_LIMIT = {False: 120, True: 600}
MARGIN = 60

# The seconds that a program may take on um without the report naming it.
BUDGET = 2


class Program(NamedTuple):
    """A program, and its target of kselftest."""
    target: str
    name: str

    def __str__(self) -> str:
        return f'{self.target}: {self.name}'


def _description(kernel, program: Program) -> Selftests:
    """Return the description of the selftests in the overlay of a program."""
    return kernel.subject.targets[program.target].description.selftests


def unsupported(kernel, program: Program, *further: str) -> str:
    """Return why a program does not run on a kernel: a missing feature, or "races"; '' if it runs.

    The data race detector runs only the programs that the description lists as races.
    further: kinds of kernels that this one is, too.
    """
    description = _description(kernel, program)
    of_variant = f'{kernel.target.name}-{kernel.variant}'
    kinds = [of_variant if of_variant in description.unsupported else kernel.target.name,
             *(['debug'] if kernel.debug else []),
             *(['arch'] if isinstance(kernel, foreign.ForeignKernel) else []), *further]
    for kind in kinds:
        if program.name in description.unsupported.get(kind, {}):
            return description.unsupported[kind][program.name]
    detects_races = kernel.debug and 'KCSAN' in kernel.target.sanitizers
    if detects_races and description.races and program.name not in description.races:
        return 'races'
    return ''


def is_parallel(kernel, program: Program) -> bool:
    """Return whether a program requires two processors."""
    return program.name in _description(kernel, program).parallel


def is_on_request(kernel, program: Program) -> bool:
    """Return whether a program changes the machine until its next boot."""
    return program.name in _description(kernel, program).on_request


def _make(kernel, target: str, *arguments):
    return ['make', '-s', '--no-print-directory', '-C', f'{kernel.tree}/{SELFTESTS}/{target}', *arguments]


def programs(kernel) -> list[Program]:
    """Return all programs, including those of Selftests.on_request."""
    found = []
    for target, overlay in kernel.subject.targets.items():
        emit_tests = _make(kernel, target, 'OUTPUT=.', f'COLLECTION={target}', 'emit_tests')
        result = subprocess.run(emit_tests, env=environment(), capture_output=True, text=True, check=True)
        names = [line.rpartition(':')[2] for line in result.stdout.splitlines()]
        found += [Program(target, name) for name in (*names, *overlay.description.selftests.on_request)]
    return found


def _select(kernel, tests) -> list[Program]:
    """Return the programs that TEST= names, by default all that run on the kernel.

    On a kernel of Debian all programs run, since the features of these kernels differ.
    """
    available = [program for program in programs(kernel)
                 if isinstance(kernel, distro.DistroKernel) or not unsupported(kernel, program)]
    names = {program.name for program in available} | {f'{program.target}:{program.name}' for program in available}
    unknown = [test for test in tests if test not in names]
    if unknown:
        raise UserError(f'TEST={unknown[0]}: {kernel.name} does not run this kselftest; it runs:\n  '
                        + ' '.join(program.name for program in available))
    return [program for program in available
            if program.name in tests or f'{program.target}:{program.name}' in tests] if tests else available


def partition(names: list, seconds: dict[str, float], count: int) -> list[list]:
    """Divide names into at most count shares of similar duration, each in the order of names.

    seconds: the durations by name, by default 1. A longer one is assigned first, to the
    share with the shortest duration so far.
    """
    shares: list[list] = [[] for _ in range(min(count, len(names)))]
    loads = [0.0] * len(shares)
    for name in sorted(names, key=lambda name: -seconds.get(str(name), 1)):
        least = loads.index(min(loads))
        shares[least].append(name)
        loads[least] += seconds.get(str(name), 1)
    return [sorted(share, key=names.index) for share in shares]


class Durations:
    """The durations of the programs in the last run, in seconds, stored in the cache.

    They apply to one configuration of the kernel and to one number of processors.
    """

    def __init__(self, kernel):
        subject = re.sub(r'[^\w.+-]', '-', kernel.subject.name)
        # A job runs as long as the tests of this machine.
        name = kernel.target.name if kernel.variant == 'job' else kernel.name
        self.path = CACHE / f'kselftest-{name}-{subject}.json'
        configuration = (kernel.out / '.config').read_bytes()
        self.system = f'{kernel.release()} {hashlib.sha256(configuration).hexdigest()} {build.JOBS}'
        self.seconds = {}
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            stored = json.loads(self.path.read_text(encoding='utf-8'))
            if stored['system'] == self.system:
                self.seconds = {name: float(seconds) for name, seconds in stored['seconds'].items()}

    def partition(self, names, count):
        """Divide programs into at most count shares of similar duration, each in the order of names."""
        return partition(names, self.seconds, count)

    def over_budget(self, names):
        """Return a line for each program that took longer than a program should, the longest first."""
        taken = sorted(((self.seconds.get(str(name), 0), str(name)) for name in names), reverse=True)
        return [f'{name} took {seconds:.1f} s; a program has {BUDGET} s' for seconds, name in taken if seconds > BUDGET]

    def save(self):
        """Store the durations atomically, since another clone may do so at the same time."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f'{self.path.name}.{os.getpid()}')
        part.write_text(json.dumps({'system': self.system, 'seconds': self.seconds}, indent=1), encoding='utf-8')
        os.replace(part, self.path)


def show_lines(lines: list[str]) -> None:
    """Print the lines of a program."""
    sys.stdout.write(''.join(line + '\n' for line in lines))
    sys.stdout.flush()


class Output:
    """The merged output of several guests, without a mixture of the lines of programs.

    show: is called with the lines of each program as it ends.
    """

    def __init__(self, durations, show=show_lines):
        self.durations = durations
        self.show = show
        self.lock = threading.Lock()
        self.lines = []
        self.results = 0

    def add(self, lines):
        """Print and store the lines of a program; number its result."""
        with self.lock:
            match = _RESULT.match(lines[-1])
            if match:
                self.results += 1
                lines[-1] = f'{match[1]} {self.results} {match[2]}'
            self.lines += lines
            self.show(lines)

    def add_guest(self):
        """Return a file for the output of a guest."""
        return _GuestOutput(self)


class _GuestOutput(io.RawIOBase):
    """A file for the output of a guest, which passes complete programs to the merged output."""

    def __init__(self, output):
        super().__init__()
        self.output = output
        self.partial_line = b''
        self.lines = []
        self.begin = None

    def writable(self):
        return True

    def write(self, data):
        *lines, self.partial_line = (self.partial_line + data).split(b'\n')
        for line in lines:
            line = line.decode(errors='replace')
            self.begin = self.begin or time.monotonic()
            self.lines.append(line)
            match = _RESULT.match(line)
            if match:
                now = time.monotonic()
                self.output.durations.seconds[match[3]] = round(now - self.begin, 2)
                self.begin = now
                self.output.add(self.lines)
                self.lines = []
        return len(data)

    def finish(self):
        """Pass on the lines after the last result, as those of a failed program if one had begun."""
        lines = [*self.lines, *([self.partial_line.decode(errors='replace')] if self.partial_line else [])]
        begun = [match[1] for match in map(_BEGIN.match, lines) if match]
        if begun:
            lines.append(f'not ok 0 {begun[-1]} # the guest ended')
        if lines:
            self.output.add(lines)


def command(kernel, share, directory):
    """Return the shell command that runs programs through the runner of the tree, as run_kselftest.sh does.

    directory: that of the installed kselftests in the guest. The script is that of a job and of
    a lab. The runner prefixes the output with a Perl script that makes two system calls for
    each byte, which takes a quarter of the run on um. Without perl, the runner uses sed. The
    runner keeps to the first processor; programs that race use all processors themselves.
    """
    script = shlex.join(['sh', str(WORKBENCH / 'machine/init/selftests'), str(directory),
                         str(PROGRAM_LIMIT[kernel.debug])])
    with_files = ['mount --bind /dev/null /usr/bin/perl'] if kernel.target.share else []
    keep = 'taskset -c 0 ' if kernel.target.share else ''
    return '\n'.join([*with_files, f'{keep}{script} <<END',
                      *(f'{program.target} {program.name}' for program in share), 'END'])


def _guests(kernel, durations, programs_to_run, most=8):
    """Return the programs of each guest, and the processor of the host that it uses, None for all.

    most: the largest number of guests. On um, a system call is a switch between two
    processes of the host, which takes less than half the time on a single processor, and
    two guests use a processor efficiently, since some programs sleep. Programs that race
    require two processors: the processors of a guest would spin on a single one of the
    host.
    """
    detector = kernel.debug and 'KCSAN' in kernel.target.sanitizers
    racing = [program for program in programs_to_run
              if detector or is_parallel(kernel, program)]
    others = [program for program in programs_to_run if program not in racing]
    count = min(most - bool(racing), build.JOBS * kernel.target.parallel_guests)
    if others and count < 1:
        return [(programs_to_run, None)]
    return [*((share, None) for share in durations.partition(racing, 1)),
            *zip(durations.partition(others, count), itertools.cycle(sorted(os.sched_getaffinity(0))))]


def worst(statuses):
    """Return the worst status of several guests: a failure of a guest is worse than one of a command."""
    return max(statuses, key=lambda status: (status in guest.FAILURES, status != guest.STOPPED, abs(status)))


def _write(results: Results, kernel, output, guests, selected):
    """Write the results of a run, with the logs of its guests."""
    lines = results_as_ktap(output.lines, [str(program) for program in selected])
    for number, (share, _) in enumerate(guests, 1):
        name = results.add_kernel_log('kselftest', kernel.log(f'kselftest-boot-{number}'), number)
        lines.append(f'# {name}: {" ".join(program.name for program in share)}')
    results.add('kselftest', kernel.tree, lines)


def run(kernel, tests=(), timeout=None, results: Results | None = None, afterwards=None):
    """Run the kselftests on the booted kernel; return the tally.

    tests: the names of the programs, by default all. timeout: the limit for each guest in
    seconds, if the user sets it. results: receives the results. afterwards: returns, for the
    number of a guest, a shell command that runs there after the programs. If a guest fails,
    the others are stopped.
    """
    if kernel.target.share:
        build.build_selftests(kernel)
        directory = build.selftests_directory(kernel)
    else:
        of_debian = isinstance(kernel, distro.DistroKernel)
        installed = distro.build_selftests(kernel) if of_debian else foreign.build_selftests(kernel)
        distro_machine.add_selftests(kernel, installed)
        directory = Path(distro_machine.SELFTESTS)
    selected = _select(kernel, tests)
    durations = Durations(kernel)
    output = Output(durations)
    stop = threading.Event()
    guests = _guests(kernel, durations, selected)
    most, location = guest.capacity(kernel, len(guests))
    if most < len(guests):
        say(f'there is memory for {most} of {len(guests)} guests at a time')
        guests = _guests(kernel, durations, selected, most)

    def run_guest(number, share, processor):
        guest_output = output.add_guest()
        if processor is not None:
            # This applies to the thread, and to the guest that it starts.
            os.sched_setaffinity(0, {processor})
        try:
            text = command(kernel, share, directory)
            if afterwards:
                text = f'( {text}\n)\nstatus=$?\n{afterwards(number)}\nexit $status'
            status = guest.run(kernel, text, kernel.log(f'kselftest-boot-{number}'),
                               timeout, LIMIT, silence=PROGRAM_LIMIT[kernel.debug] + MARGIN, location=location,
                               out=guest_output, should_stop=stop.is_set, processors=2 if processor is None else 1)
        except BaseException:
            stop.set()
            raise
        finally:
            guest_output.finish()
        if status in guest.FAILURES:
            stop.set()
        return status

    with concurrent.futures.ThreadPoolExecutor(len(guests)) as pool:
        try:
            statuses = list(pool.map(run_guest, range(1, len(guests) + 1), *zip(*guests)))
        except BaseException:
            stop.set()
            raise
    durations.save()
    if kernel.target.name == 'um' and not kernel.debug:
        for line in durations.over_budget(selected):
            say(line)
    if results:
        _write(results, kernel, output, guests, selected)
    tally = count_kselftest('\n'.join(output.lines), selected,
                            [program for program in selected if unsupported(kernel, program)])
    return with_status(tally, worst(statuses), 'kselftest')
