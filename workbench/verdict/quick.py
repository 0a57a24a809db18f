# SPDX-License-Identifier: GPL-2.0-only
"""Run KUnit, as modules, and the kselftests in guests that boot while the driver is built.

Each guest gets its next program when the last one has ended. The programs run without the
runner of the tree, which starts some thirty processes for each program; its lines are added
on the host.
"""

import concurrent.futures
import contextlib
import io
import math
import os
import re
import shlex
import threading
import time
from collections.abc import Callable

from host.console import UserError, say
from host.paths import WORKBENCH
from kernel import build
from kernel.build import Kernel
from machine import guest
from machine.gate import Gate
from machine.um import UM
from verdict import kselftest
from verdict.count import count_kselftest, count_kunit, unfinished_case, with_status
from verdict.kselftest import LIMIT, MARGIN, PROGRAM_LIMIT, Durations, Output, Program
from verdict.results import Results, from_debugfs, from_kselftest
from verdict.tally import Tally, single


class Suites(Program):
    """Stands for the suites of KUnit in a list of programs; its target is a pattern of cases, '' for all."""

    def __str__(self) -> str:
        return f'{self.name} {self.target}'.strip()


def suites(pattern: str = '') -> Suites:
    """Return what stands for the cases that match a pattern, SUITE.CASE, by default all suites."""
    return Suites(pattern, 'KUnit')


# machine/init/programs prints it before the name of a program, and before its exit status.
_MARK = '\x01workbench'
_BEGIN = re.compile(rf'{_MARK} begin (.*)$')
_END = re.compile(rf'{_MARK} end (\d+)$')

# The exit statuses of a program that the runner of the tree reports in another way than a failure.
_DIRECTIVES = {2: ' # XFAIL', 4: ' # SKIP'}
_TIMED_OUT = 124


def _result(status: int, limit: int) -> tuple[str, str]:
    """Return the result of a program and the directive behind its name, as the runner of the tree prints them."""
    if not status or status in _DIRECTIVES:
        return 'ok', _DIRECTIVES.get(status, '')
    return 'not ok', f' # TIMEOUT {limit} seconds' if status == _TIMED_OUT else f' # exit={status}'


def script(kernel: Kernel, processors: int) -> str:
    """Return the shell command of a guest, which runs programs and prints marks around their output.

    processors: those of the guest.
    """
    arguments = [str(processors), str(PROGRAM_LIMIT[kernel.debug]), str(build.selftests_directory(kernel)),
                 ' '.join(build.kunit_modules(kernel))]
    return f'set -- {shlex.join(arguments)}; . {shlex.quote(str(WORKBENCH / "machine/init/programs"))}'


class GuestOutput(io.RawIOBase):
    """A file for the output of script(), which passes it on in the format of the runner of the tree."""

    def __init__(self, sink: io.RawIOBase | io.BytesIO, kunit: dict[str, list[str]], limit: int,
                 begin: Callable[[str], None] = lambda name: None, end: Callable[[str], None] = lambda name: None):
        """sink: receives the lines of the kselftests. kunit: receives those of KUnit, by str(Suites).

        begin, end: are called with the name of each program.
        """
        super().__init__()
        self._sink, self._kunit, self._limit, self._begin, self._ended = sink, kunit, limit, begin, end
        self._partial = b''
        self._lines: list[str] = []
        self._program = ''

    def writable(self) -> bool:
        """Return that the file can be written to."""
        return True

    def write(self, data) -> int:
        """Process the next output of the guest."""
        *lines, self._partial = (self._partial + bytes(data)).split(b'\n')
        for line in lines:
            self._process(line.decode(errors='replace'))
        return len(data)

    def _process(self, line: str) -> None:
        begin, end = _BEGIN.match(line), _END.match(line)
        if begin or end:
            # The mark begins a line, also behind output without a line break.
            if self._lines and not self._lines[-1]:
                self._lines.pop()
            self._pass_on(f'# selftests: {begin[1]}' if begin else '', int(end[1]) if end else 0)
            if begin:
                self._begin(begin[1])
            elif self._program:
                self._ended(self._program)
            self._program = begin[1] if begin else ''
        else:
            self._lines.append(line)

    def _pass_on(self, header: str, status: int) -> None:
        if self._program in self._kunit:
            self._kunit[self._program] += self._lines
        elif self._program:
            result, directive = _result(status, self._limit)
            self._send([*(f'# {line}' for line in self._lines), f'{result} 0 selftests: {self._program}{directive}'])
        elif any(self._lines):
            self._send(self._lines)
        self._lines = []
        if header and header.removeprefix('# selftests: ') not in self._kunit:
            self._send([header])

    def _send(self, lines: list[str]) -> None:
        self._sink.write(''.join(f'{line}\n' for line in lines).encode())

    def finish(self) -> str:
        """Pass on the lines of a program whose guest ended; return its name, '' if none ran."""
        lines = [*self._lines, *([self._partial.decode(errors='replace')] if self._partial else [])]
        if self._program in self._kunit:
            self._kunit[self._program] += lines
        else:
            self._send([f'# {line}' for line in lines] if self._program else lines)
        return self._program


def is_parallel(kernel: Kernel, program: Program) -> bool:
    """Return whether a program, or cases of KUnit, require two processors."""
    if isinstance(program, Suites):
        return bool(program.target)
    return kselftest.is_parallel(kernel, program)


class _Queue:
    """The programs that have not begun, and the seconds of those that have ended."""

    def __init__(self, kernel: Kernel, durations: Durations):
        self._kernel, self._durations = kernel, durations
        self._lock = threading.Lock()
        self._waiting: list[Program] = []
        self._begun: dict[str, float] = {}

    def fill(self, programs: list[Program], urgent: int) -> None:
        """Add programs; the first ones, urgent of them, keep their place, the others are sorted by duration.

        Those that change the machine until its next boot are the last ones.
        """
        def key(program: Program) -> tuple[bool, float]:
            is_last = not isinstance(program, Suites) and kselftest.is_on_request(self._kernel, program)
            return is_last, -self._durations.seconds.get(str(program), 1)

        usual = [*programs[:urgent], *sorted(programs[urgent:], key=key)]
        self._waiting = sorted(usual, key=lambda program: key(program)[0])

    def take(self, has_two: bool, is_alone: bool = False) -> Program | None:
        """Return the next program of a guest, None at the end.

        has_two: whether the guest has two processors. Other programs are slower there: one
        processor often waits for the other. is_alone: whether it is the only guest.
        """
        with self._lock:
            found = next((program for program in self._waiting
                          if is_alone or has_two == is_parallel(self._kernel, program)), None)
            if found:
                self._waiting.remove(found)
            return found

    def begin(self, name: str) -> None:
        """Note the time when a program begins."""
        self._begun[name] = time.monotonic()

    def end(self, name: str) -> None:
        """Record the duration of a program."""
        self._durations.seconds[name] = round(time.monotonic() - self._begun[name], 2)


class Guests:
    """Guests that boot and wait for their programs.

    One has two processors, if a program requires them; each of the others is on one
    processor of the host, as kselftest.run() has them.
    """

    def __init__(self, kernel: Kernel, likely: list[Program], show: Callable[[list[str]], None],
                 timeout: int | None = None, begin: Callable[[str], None] = lambda name: None):
        """Boot the guests.

        likely: the programs of the run, as far as they are known. show: is called with the
        lines of each program of kselftest. timeout: the limit for each guest in seconds, if
        the user sets it. begin: is called with the name of each program.
        """
        self.kernel = kernel
        self._begin = begin
        self.durations = Durations(kernel)
        usual = [program for program in likely if not is_parallel(kernel, program)]
        seconds = sum(self.durations.seconds.get(str(program), 1) for program in usual)
        # A guest takes half a second to boot.
        number_of_guests = min(len(usual), build.JOBS * UM.parallel_guests, math.ceil(seconds))
        cpus = sorted(os.sched_getaffinity(0))
        first: list[int | None] = [None] if len(usual) < len(likely) or not likely else []
        processors = [*first, *(cpus[number % len(cpus)] for number in range(number_of_guests))]
        most, location = guest.capacity(kernel, len(processors))
        self._processors = processors[:most]
        self._stopping = threading.Event()
        self._queue = _Queue(kernel, self.durations)
        self.output = Output(self.durations, show)
        self.kunit: dict[str, list[str]] = {str(program): [] for program in likely if isinstance(program, Suites)}
        # The case of KUnit that did not end, by the name of the program.
        self.unfinished: dict[str, str] = {}
        # The build needs one processor.
        self._booting = threading.Semaphore(max(1, build.JOBS - 1))
        self._gates = [Gate(self._booting.release) for _ in self._processors]
        self._pool = concurrent.futures.ThreadPoolExecutor(len(self._gates))
        self._ends = [self._pool.submit(self._run, number, location, timeout) for number in range(len(self._gates))]

    def _run(self, number: int, location: dict, timeout: int | None) -> int:
        processor = self._processors[number]
        limit = PROGRAM_LIMIT[self.kernel.debug]
        inner = self.output.add_guest()

        def begin(name: str) -> None:
            self._queue.begin(name)
            self._begin(name)
            # Send the next program in advance, so that the guest does not wait for it.
            self._send_next(number)

        out = GuestOutput(inner, self.kunit, limit, begin, self._queue.end)
        if processor is not None:
            os.sched_setaffinity(0, {processor})
        self._booting.acquire()
        try:
            status = guest.run(self.kernel, '', self.log(number), timeout, LIMIT, silence=limit + MARGIN,
                               location=location, out=out, should_stop=self._stopping.is_set,
                               processors=2 if processor is None else 1, gate=self._gates[number])
        except BaseException:
            self._stopping.set()
            raise
        finally:
            if not self._gates[number].is_attached:
                self._booting.release()
            program = out.finish()
            inner.finish()
        if status in guest.FAILURES:
            self._stopping.set()
            if program in self.kunit:
                self.unfinished[program] = unfinished_case(self.log(number))
        return status

    def _send_next(self, number: int) -> None:
        program = self._queue.take(self._processors[number] is None, is_alone=len(self._gates) == 1)
        words = ('end',) if program is None else \
            (program.name, program.target) if isinstance(program, Suites) else (program.target, program.name)
        self._gates[number].send(' '.join(words))

    @property
    def count(self) -> int:
        """Return the number of guests."""
        return len(self._gates)

    def log(self, number: int):
        """Return the path of the kernel log of a guest."""
        return self.kernel.log(f'quick-boot-{number + 1}')

    def run(self, programs: list[Program], urgent: int = 0) -> int:
        """Run programs, the first ones, urgent of them, first; return the worst status of the guests.

        The driver is built.
        """
        self.kunit.update({str(program): [] for program in programs if isinstance(program, Suites)})
        self._queue.fill(programs, urgent)
        for number, gate in enumerate(self._gates):
            gate.open(script(self.kernel, 2 if self._processors[number] is None else 1))
            self._send_next(number)
        return kselftest.worst([end.result() for end in self._ends])

    def close(self) -> None:
        """Stop the guests that still run."""
        self._stopping.set()
        self._pool.shutdown()
        for gate in self._gates:
            gate.close()


def programs(kernel: Kernel, found: list[tuple[str, str]]) -> list[Program]:
    """Return the programs to run: those of kselftest that the kernel runs, and the suites of KUnit."""
    targets = kernel.subject.targets if found else {}
    available = [Program(target, name) for target, name in found]
    available += [Program(target, name) for target, overlay in targets.items()
                  for name in overlay.description.selftests.on_request]
    selected = [program for program in available if not kselftest.unsupported(kernel, program)]
    return selected + ([suites(), *map(suites, parallel_cases(kernel))] if build.kunit_modules(kernel) else [])


def parallel_cases(kernel: Kernel) -> list[str]:
    """Return the patterns of the cases that require two processors."""
    return [pattern for overlay in kernel.subject.overlays for pattern in overlay.description.kunit.parallel]


def kunit_tallies(guests: 'Guests') -> dict[str, Tally]:
    """Return the tallies of the suites, by the names of the programs.

    A case that requires two processors counts where it had them.
    """
    parallel = parallel_cases(guests.kernel)
    found = {program: count_kunit('\n'.join(lines), parallel if program == str(suites()) else ())
             for program, lines in guests.kunit.items()}
    return {program: tally if tally.results
            else single(guests.unfinished.get(program) or f'{program}: no case ran', 'failed')
            for program, tally in found.items()}


def tallies_of(guests: 'Guests', ran: list[Program], status: int) -> tuple[Tally, Tally]:
    """Return the tallies of the suites and of the kselftests of a run of programs."""
    of_kunit, of_kselftest = sum(kunit_tallies(guests).values(), Tally()), Tally()
    others = [program for program in ran if not isinstance(program, Suites)]
    if others:
        of_kselftest = count_kselftest('\n'.join(guests.output.lines), others)
    if status in guest.FAILURES or not (of_kunit.failed or of_kselftest.failed):
        of_kselftest = with_status(of_kselftest, status, 'the run')
    return of_kunit, of_kselftest


def show_result(lines: list[str]) -> None:
    """Print the result of a program, and all of its lines if it has failed."""
    kselftest.show_lines(lines if lines[-1].startswith('not ok ') else lines[-1:])


def _write(results: Results, guests: Guests, ran: list[Program], all_formats: bool) -> None:
    """Write the results as KTAP or in all formats, and the kernel logs."""
    documents = {}
    if guests.kunit:
        documents['kunit'] = from_debugfs('\n'.join(line for lines in guests.kunit.values() for line in lines))
    of_kselftest = [str(program) for program in ran if not isinstance(program, Suites)]
    if of_kselftest:
        documents['kselftest'] = from_kselftest(guests.output.lines, of_kselftest)
    for kind, lines in documents.items():
        if all_formats:
            results.add(kind, guests.kernel.tree, lines)
        else:
            results.add_ktap(kind, lines)
    for number in range(guests.count):
        results.add_kernel_log('kselftest', guests.log(number), number + 1)


def guests_for(kernel: Kernel, show: Callable[[list[str]], None], timeout: int | None = None,
               begin: Callable[[str], None] = lambda name: None) -> Guests:
    """Boot the guests for the programs that a kernel has, or had in its last build; see Guests."""
    return Guests(kernel, programs(kernel, build.installed_selftests(kernel)), show, timeout, begin)


def run(kernel: Kernel, timeout: int | None = None, results: Results | None = None,
        all_formats: bool = False) -> tuple[Tally, Tally]:
    """Build a kernel with the subject, and run all of its tests; return the tallies of KUnit and of kselftest.

    The guests boot meanwhile, if only modules are built. timeout: the limit for each guest
    in seconds, if the user sets it. results: receives the results. all_formats: whether
    they are also written as JSON and XML, which takes time.
    """
    with contextlib.ExitStack() as stack:
        def boot() -> Guests:
            booted = guests_for(kernel, show_result, timeout)
            stack.callback(booted.close)
            return booted

        early = boot() if build.has_current_image(kernel) else None
        build.build(kernel)
        to_run = programs(kernel, build.build_selftests(kernel) if kernel.subject.targets else [])
        if not to_run:
            raise UserError(f'{kernel.subject.name} has no tests that run on {kernel.name}')
        guests = early or boot()
        status = guests.run(to_run)
    guests.durations.save()
    if results:
        _write(results, guests, to_run, all_formats)
    for line in guests.durations.over_budget(to_run):
        say(line)
    return tallies_of(guests, to_run, status)
