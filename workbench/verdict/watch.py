# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests after each saved file, and show the state on one screen.

Guests boot after a run and wait for the next one. Another command may use the clone while
nothing runs; the guests are booted again if it has built another kernel.
"""

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from host.console import UserError
from host.inotify import Watcher
from kernel import build
from kernel.build import Kernel
from verdict import quick
from verdict.count import count_kselftest
from verdict.kselftest import Program
from verdict.tally import Tally

# The seconds between two looks at the state while tests run, and while none do.
_BUSY, _IDLE = 0.1, 60

_CLEAR = '\033[H\033[2J'
_RED, _GREEN, _PLAIN = '\033[31m', '\033[32m', '\033[0m'


def belongs(program: Program, paths: set[Path]) -> bool:
    """Return whether a program belongs to a changed file: it has its name, or tests in the kernel for KUnit."""
    if isinstance(program, quick.Suites):
        return any('kunit' in part for path in paths for part in path.parts)
    name = program.name.removesuffix('.sh')
    return any(path.stem == name for path in paths)


def order(programs: list[Program], failed: set[Program], paths: set[Path]) -> list[Program]:
    """Return programs in the order to run them: those that failed last, those of changed files, the rest."""
    return sorted(programs, key=lambda program: (program not in failed, not belongs(program, paths)))


class State:
    """What the screen shows; its methods are called from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.phase = 'starting'
        self.begin = time.monotonic()
        self.total = 0
        self.running: list[str] = []
        self.tallies: dict[str, Tally] = {}
        self.message: list[str] = []

    def start(self, phase: str) -> None:
        """Begin a run; the results of the last one remain until its programs begin."""
        with self._lock:
            self.phase, self.begin, self.message = phase, time.monotonic(), []

    def testing(self, total: int) -> None:
        """Begin with the programs of a run."""
        with self._lock:
            self.phase, self.total, self.running, self.tallies = 'testing', total, [], {}

    def began(self, name: str) -> None:
        """Note that a program runs."""
        with self._lock:
            self.running.append(name)

    def ended(self, name: str, tally: Tally) -> None:
        """Note the result of a program."""
        with self._lock:
            self.tallies[name] = tally
            if name in self.running:
                self.running.remove(name)

    def finish(self, message: list[str]) -> None:
        """End a run; message: what to show in addition."""
        with self._lock:
            seconds = time.monotonic() - self.begin
            self.phase, self.running, self.message = f'done after {seconds:.1f} s', [], message

    @property
    def failed(self) -> set[str]:
        """Return the names of the programs that failed."""
        return {name for name, tally in self.tallies.items() if tally.failed}

    def lines(self, width: int, height: int, color: bool = True) -> list[str]:
        """Return the lines of a screen: the state, the running, the failed and the passed programs."""
        with self._lock:
            tallies = list(self.tallies.items())
            head = f'{self.phase}: {sum((tally for _, tally in tallies), Tally())}'
            if self.total:
                head += f', {len(tallies)} of {self.total} programs'
            failures = [line for _, tally in tallies for line in tally.failures()]
            passed = [name for name, tally in tallies if not tally.failed]
            found = [(head, ''), *((f'running {", ".join(self.running)}', '') for _ in self.running[:1]),
                     *((f'failed  {line}', _RED) for line in failures),
                     *((f'passed  {" ".join(passed)}', _GREEN) for _ in passed[:1]),
                     *((line, '') for line in self.message)]
        shown = [(part, code) for line, code in found for part in _wrapped(line, width)]
        if len(shown) > height - 1:
            shown = [*shown[:height - 2], (f'and {len(shown) - height + 2} more lines', '')]
        return [f'{code}{text}{_PLAIN}' if code and color else text for text, code in shown]


def _wrapped(line: str, width: int) -> list[str]:
    return [line[start:start + width] for start in range(0, len(line), width)] or ['']


def draw(state: State) -> None:
    """Show the state on the terminal."""
    size = shutil.get_terminal_size()
    sys.stdout.write(_CLEAR + '\r\n'.join(state.lines(size.columns, size.lines)) + '\r\n')
    sys.stdout.flush()


class _Run(threading.Thread):
    """A run of all tests, in a thread, so that the screen and the files can be watched."""

    def __init__(self, watch: 'Watch', paths: set[Path]):
        super().__init__()
        self._watch, self._paths = watch, paths
        self.stopping = threading.Event()

    def stop(self) -> None:
        """Stop the guests and wait; a build is completed."""
        self.stopping.set()
        self._watch.stop_guests()
        self.join()

    def run(self) -> None:
        try:
            self._watch.test(self._paths, self.stopping)
        except (UserError, OSError) as error:
            self._watch.state.finish(str(error).splitlines())


class Watch:
    """The tests of a subject, repeated after each saved file.

    kernel: returns the kernel of the present sources, to be built. locked: a context
    manager that holds the lock of the clone.
    """

    def __init__(self, kernel: Callable[[], Kernel], locked: Callable[[], contextlib.AbstractContextManager]):
        self._kernel, self._locked = kernel, locked
        self.state = State()
        self._guests: quick.Guests | None = None
        self._image: tuple = ()
        self._failed: set[Program] = set()
        self._last: list[str] = []

    def stop_guests(self) -> None:
        """Stop the guests, those that wait and those that run tests."""
        guests, self._guests = self._guests, None
        if guests:
            guests.close()

    def _boot(self, kernel: Kernel) -> quick.Guests:
        """Return guests of the present image; keep those that wait already."""
        status = kernel.image.stat()
        image = (status.st_ino, status.st_mtime_ns)
        if self._guests and self._image != image:
            self.stop_guests()
        if not self._guests:
            self._image = image
            self._guests = quick.guests_for(kernel, self._show, begin=self.state.began)
        return self._guests

    def _show(self, lines: list[str]) -> None:
        name = lines[-1].partition('selftests: ')[2].partition(' # ')[0]
        if name:
            target, _, program = name.partition(': ')
            self.state.ended(name, count_kselftest('\n'.join(lines), [Program(target, program)]))

    def test(self, paths: set[Path], stopping: threading.Event) -> None:
        """Build, and run all tests if anything has changed; paths: the changed files."""
        with self._locked():
            self.state.start('building')
            kernel = self._kernel()
            if build.has_current_image(kernel):
                self._boot(kernel)
            build.build(kernel)
            programs = quick.programs(kernel, build.build_selftests(kernel) if kernel.subject.targets else [])
            state = build.state_of_tests(kernel)
            if state == self._last and not self._failed:
                self.state.finish(['nothing that is built has changed'])
                return
            guests = self._boot(kernel)
            if stopping.is_set():
                return
            self.state.testing(len(programs))
            urgent = sum(program in self._failed or belongs(program, paths) for program in programs)
            status = guests.run(order(programs, self._failed, paths), urgent)
        self._guests = None
        if stopping.is_set():
            return
        self._note(guests, programs, status)
        self._last = state
        # They wait for the next run.
        self._boot(kernel)

    def _note(self, guests: quick.Guests, programs: list[Program], status: int) -> None:
        """Show and remember the results of a run, and release its guests."""
        tally = sum(quick.tallies_of(guests, programs, status), Tally())
        guests.close()
        guests.durations.save()
        for name, of_kunit in quick.kunit_tallies(guests).items():
            self.state.ended(name, of_kunit)
        names = self.state.failed
        self._failed = {program for program in programs if str(program) in names}
        # Failures that belong to no program, such as the death of a guest.
        known = {name for result in self.state.tallies.values() for name in result.results}
        others = Tally(results={name: result for name, result in tally.results.items() if name not in known},
                       reasons=tally.reasons)
        self.state.finish([*(f'failed  {line}' for line in others.failures()),
                           *guests.durations.over_budget(programs)])

    def follow(self, directories: Callable[[], set[Path]]) -> None:
        """Test now, and after each saved file below directories, until the command is interrupted."""
        watcher = Watcher()
        run = _Run(self, set())
        try:
            watcher.watch(directories())
            run.start()
            while True:
                busy = run.is_alive()
                draw(self.state)
                paths = watcher.wait(_BUSY if busy else _IDLE)
                if paths:
                    run.stop()
                    watcher.watch(directories())
                    run = _Run(self, paths)
                    run.start()
        finally:
            run.stopping.set()
            self.stop_guests()
            if run.is_alive():
                run.join()
            # The run may have booted guests meanwhile.
            self.stop_guests()
            watcher.close()


def require_terminal() -> None:
    """Raise UserError unless stdout is a terminal."""
    if not os.isatty(1):
        raise UserError('make watch requires a terminal; without one: make quick')
