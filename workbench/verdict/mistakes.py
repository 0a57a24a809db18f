# SPDX-License-Identifier: GPL-2.0-only
"""Show that the tests find mistakes: make each mistake in the driver, and run the tests that must fail.

A mistake is a patch to the overlay, in the directory mistakes/ of its folder. Headers are
before the patch:

    Subject: a read past the length returns old bytes
    Kernel: um debug
    Quick: yes
    Tests: kselftest message: bounds.read_*
     KUnit widget_read.read_bounds

The failing output of the first run is written to build/mistakes/NAME.out, for documents.

"*" matches any characters. The programs and suites of these tests run, and no other of their
tests may fail. A report of the kernel ends the run, and is then the only test that fails. What
runs is in a header of its own:

    Tests: kernel log: BUG: KASAN: *
    Run: kselftest message
     KUnit widget_read

Tests that may fail, depending on the processor that runs them, are in a further header:

    Also: KUnit widget_read.in_interrupts
"""

import concurrent.futures
import copy
import fnmatch
import io
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from host.console import UserError, say
from host.environment import environment
from host.paths import build_root
from kernel import build
from machine import guest, report
from machine.machine import Machine
from machine.qemu import X86_64
from machine.um import UM
from subject import graft
from subject.overlay import Overlay
from subject.subject import Subject
from verdict import kselftest, quick
from verdict.count import count_kselftest, count_kunit
from verdict.kselftest import Program
from verdict.quick import Suites
from verdict.tally import Tally, single

DIRECTORY = 'mistakes'

# The number of runs, all of which must find a mistake.
RUNS = 3

# The machines and the variants of the kernel, by the header Kernel.
KERNELS: dict[str, tuple[Machine, str]] = {'um': (UM, ''), 'um debug': (UM, 'debug'), 'x86_64': (X86_64, '')}

_HEADERS = {'Subject', 'Kernel', 'Quick', 'Tests', 'Run', 'Also'}
_TEST = re.compile(r'kselftest (?:\S+:)?\S+: \S.*|KUnit \w+\.\S+|kernel log: \S.*')

# The limit of a run in seconds, longer on a slow kernel.
_LIMIT = 120

# The number of mistakes whose tests run while the next one is built.
_AHEAD = 2


class Mistake(NamedTuple):
    """A mistake, and the tests that find it: patterns of their names.

    also: those of tests that may fail.
    programs, suites: the kselftest programs and the KUnit suites that run. kernel: a key
    of KERNELS. is_quick: whether it belongs to QUICK=1.
    """
    path: Path
    subject: str
    tests: tuple[str, ...]
    programs: set[str]
    suites: set[str]
    kernel: str
    is_quick: bool
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.path.stem


def parse(path: Path) -> Mistake:
    """Return the mistake in a file; raise UserError for an invalid header."""
    head = path.read_text(encoding='utf-8').partition('\n--- a/')[0]
    headers = {match[1]: [line.strip() for line in match[2].splitlines() if line.strip()]
               for match in re.finditer(r'^(\w+):(.*(?:\n .*)*)', head, re.M)}
    unknown = headers.keys() - _HEADERS
    if unknown:
        raise UserError(f'{path}: the header {sorted(unknown)[0]} is unknown')
    tests = tuple(headers.get('Tests', []))
    also = tuple(headers.get('Also', []))
    invalid = [test for test in (*tests, *also) if not _TEST.fullmatch(test)]
    kernel = ' '.join(headers.get('Kernel', ['um']))
    run = [*tests, *(f'{line}: ' for line in headers.get('Run', []))]
    programs, suites = ({match[1] for match in (re.match(pattern, line) for line in run) if match}
                        for pattern in (r'kselftest (\S+): ', r'KUnit (\w+)[.:]'))
    for is_valid, problem in ((headers.get('Subject'), 'has no header Subject'),
                              (tests, 'has no header Tests'),
                              (not invalid, f'{invalid[0] if invalid else ""!r} is not the name of a test'),
                              (programs or suites, 'has no kselftest or KUnit suite to run'),
                              (kernel in KERNELS, f'Kernel: {kernel} is none of {", ".join(KERNELS)}')):
        if not is_valid:
            raise UserError(f'{path}: {problem}')
    return Mistake(path, headers['Subject'][0], tests, programs, suites, kernel,
                   headers.get('Quick') == ['yes'], also)


def load(overlay: Overlay, names: tuple[str, ...] = (), quick_only: bool = False) -> list[Mistake]:
    """Return the mistakes of an overlay, sorted; names: the selected ones; quick_only: only quick ones."""
    found = [parse(path) for path in sorted(overlay.in_folder(DIRECTORY, 'mistakes').glob('*.patch'))]
    unknown = set(names) - {mistake.name for mistake in found}
    if unknown:
        raise UserError(f'TEST={sorted(unknown)[0]}: no such mistake; there are:\n  '
                        + ' '.join(mistake.name for mistake in found))
    return [mistake for mistake in found
            if (not names or mistake.name in names) and (not quick_only or mistake.is_quick)]


def kind(kernel: build.Kernel) -> str:
    """Return the value of the header Kernel for a kernel; it may be none of KERNELS."""
    return f'{kernel.target.name} debug' if kernel.debug else kernel.target.name


def apply(mistake: Mistake, overlay: Overlay, scratch: Path) -> dict[str, Path]:
    """Apply a mistake to copies of the files of the overlay; map their paths to the copies.

    Raise UserError if the patch does not apply, or changes anything but the driver.
    """
    paths = re.findall(r'^\+\+\+ b/(\S+)', mistake.path.read_text(encoding='utf-8'), re.M)
    copies = {}
    for path in paths:
        if path not in overlay.files or path.startswith('tools/') or '_kunit/' in path:
            raise UserError(f'{mistake.path}: {path} is no file of the driver')
        copies[path] = scratch / path
        copies[path].parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(overlay.files[path], copies[path])
    result = subprocess.run(['git', 'apply', '-p1', mistake.path.absolute()], cwd=scratch,
                            env=environment(GIT_CEILING_DIRECTORIES=str(scratch.parent)), capture_output=True,
                            text=True, check=False)
    if result.returncode:
        raise UserError(f'{mistake.path} does not apply: {result.stderr.splitlines()[0]}')
    return copies


def _programs(kernel: build.Kernel, mistake: Mistake) -> list[Program]:
    """Return the kselftest programs of a mistake; raise UserError for an unknown one."""
    found = [program for program in kselftest.programs(kernel)
             if program.name in mistake.programs or f'{program.target}:{program.name}' in mistake.programs]
    missing = mistake.programs - {name for program in found
                                  for name in (program.name, f'{program.target}:{program.name}')}
    if missing:
        raise UserError(f'{mistake.path}: there is no kselftest program {sorted(missing)[0]}')
    return found


class _Prepared(NamedTuple):
    """A mistake whose modules are built: what a run of its tests requires.

    kernel: has modules of its own. kunit: stands for the suites. programs: the kselftest
    programs. processors: the number that the tests require.
    """
    mistake: Mistake
    kernel: build.Kernel
    kunit: Suites
    programs: list[Program]
    processors: int
    command: str


def _prepare(kernel: build.Kernel, mistake: Mistake, modules: Path) -> _Prepared:
    """Return what a run of a mistake requires; modules: a copy of its modules."""
    programs = _programs(kernel, mistake)
    kunit = quick.suites(min(mistake.suites) if len(mistake.suites) == 1 else '')
    racing = any(kselftest.is_parallel(kernel, program) for program in programs) or any(
        fnmatch.fnmatchcase(f'KUnit {pattern}', test) or fnmatch.fnmatchcase(test, f'KUnit {pattern}')
        for pattern in quick.parallel_cases(kernel) for test in mistake.tests)
    processors = 2 if racing else 1
    lines = [' '.join(program) for program in programs]
    if mistake.suites:
        lines.append(f'{kunit.name} {kunit.target}'.strip())
    command = '\n'.join(['exec 3<<END', *lines, 'end', 'END', quick.script(kernel, processors)])
    own = copy.copy(kernel)
    own.modules = modules
    return _Prepared(mistake, own, kunit, programs, processors, command)


def first_line(log: Path) -> str:
    """Return the first line of the first report in a kernel log without its time, '' without a report."""
    lines = [line.strip() for line in report.find(log, guest.USER_SPACE) if '[ cut here ]' not in line]
    return re.sub(r'^\[ *[\d.]+\] *', '', lines[0]) if lines else ''


def _run(prepared: _Prepared, number: int, stop: Callable[[], bool] = lambda: False) -> dict[str, str]:
    """Run the tests of a mistake in a guest; map the names of those that fail to their output."""
    kernel, kunit = prepared.kernel, str(prepared.kunit)
    log = kernel.log(f'mistake-{prepared.mistake.name}-{number}')
    of_kselftest = io.BytesIO()
    of_kunit: dict[str, list[str]] = {kunit: []}
    limit = kselftest.PROGRAM_LIMIT[kernel.debug]
    out = quick.GuestOutput(of_kselftest, of_kunit, limit)
    cpus = sorted(os.sched_getaffinity(os.getpid()))
    # Two processes of um that take turns are faster on a single processor.
    os.sched_setaffinity(0, {cpus[number % len(cpus)]} if prepared.processors == 1 else cpus)
    status = guest.run(kernel, prepared.command, log, limit=_LIMIT, out=out, err=io.BytesIO(), should_stop=stop,
                       processors=prepared.processors, explain=False)
    out.finish()
    if status in guest.FAILURES:
        # How far the tests came before that differs from run to run.
        return {f'kernel log: {first_line(log) or guest.FAILURES[status]}': ''}
    tally = count_kunit('\n'.join(of_kunit[kunit]))
    if prepared.programs:
        tally += count_kselftest(of_kselftest.getvalue().decode(errors='replace'),
                                 [str(program) for program in prepared.programs])
    return {name: tally.reasons.get(name, '') for name, result in tally.results.items() if result == 'failed'}


def _record(mistake: Mistake, failed: dict[str, str]) -> None:
    """Write the tests that failed, and their output, to a file."""
    path = build_root() / DIRECTORY / f'{mistake.name}.out'
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f'{path.name}.part')
    part.write_text(''.join(f'{name}\n' + (f'    {text}\n' if text else '') for name, text in sorted(failed.items())),
                    encoding='utf-8')
    os.replace(part, path)


def problem(expected: tuple[str, ...], failed: Collection[str], also: tuple[str, ...] = ()) -> str:
    """Return how the tests that failed differ from the expected patterns, '' if they do not; also: that may fail."""
    def matches(name: str, pattern: str) -> bool:
        return fnmatch.fnmatchcase(name, pattern.replace('[', '[[]'))

    missing = [pattern for pattern in expected if not any(matches(name, pattern) for name in failed)]
    others = sorted(name for name in failed if not any(matches(name, pattern) for pattern in (*expected, *also)))
    return '; '.join([*(f'did not fail: {pattern}' for pattern in missing),
                      *(f'also failed: {name}' for name in others)])


def build_driver(kernel: build.Kernel, mistake: Mistake) -> None:
    """Build the driver with a mistake; raise UserError if it does not build. It stays in the tree."""
    overlay = kernel.subject.main
    with tempfile.TemporaryDirectory(prefix='workbench-mistake-') as scratch:
        graft.graft(kernel.tree, overlay, {**overlay.files, **apply(mistake, overlay, Path(scratch))})
        build.build(kernel)


def judge(mistake: Mistake, runs: list[dict[str, str]]) -> str:
    """Return the problem of the first bad run of a mistake, '' if there is none; record the first run.

    runs: the tests that failed in each run, and their output.
    """
    _record(mistake, runs[0])
    for number, failed in enumerate(runs, 1):
        found = problem(mistake.tests, failed, mistake.also)
        if found:
            return f'run {number} of {RUNS}: {found}'
    return ''


class _Bench:
    """Runs the tests of mistakes on one kernel, while the driver with the next mistake is built.

    done: is called with each mistake and its problem, in the order of the mistakes.
    """

    def __init__(self, kernel: build.Kernel, done: Callable[[Mistake, str], None]):
        self._kernel, self._done = kernel, done
        self._modules = build_root() / DIRECTORY / 'modules'
        self._stop = threading.Event()
        self._waiting: list[tuple[Mistake, list[concurrent.futures.Future]]] = []

    def run(self, selected: list[Mistake]) -> None:
        """Run the tests of the mistakes."""
        shutil.rmtree(self._modules, ignore_errors=True)
        with concurrent.futures.ThreadPoolExecutor(build.JOBS) as pool:
            try:
                for mistake in selected:
                    self._start(pool, mistake)
                    self._finish(_AHEAD)
                self._finish(0)
            finally:
                self._stop.set()
                shutil.rmtree(self._modules, ignore_errors=True)

    def _start(self, pool: concurrent.futures.Executor, mistake: Mistake) -> None:
        modules = self._modules / mistake.name
        try:
            build_driver(self._kernel, mistake)
        except UserError as error:
            self._finish(0)
            self._done(mistake, f'the driver does not build: {str(error).splitlines()[-1].strip()}')
            return
        # Links lead to the build directory.
        shutil.copytree(self._kernel.modules, modules, symlinks=True)
        prepared = _prepare(self._kernel, mistake, modules)
        self._waiting.append((mistake, [pool.submit(_run, prepared, number, self._stop.is_set)
                                        for number in range(1, RUNS + 1)]))

    def _finish(self, left: int) -> None:
        """Wait until the runs of only so many mistakes are left."""
        while len(self._waiting) > left:
            mistake, runs = self._waiting.pop(0)
            found = judge(mistake, [run.result() for run in runs])
            shutil.rmtree(self._modules / mistake.name)
            self._done(mistake, found)


def run(tree: Path, subject: Subject, names: tuple[str, ...] = (), quick_only: bool = False) -> Tally:
    """Make each mistake of the main overlay, and run the tests that must find it; return the tally.

    names: the selected mistakes, by default all. quick_only: only those with the header Quick.
    """
    selected = load(subject.main, names, quick_only)
    found: list[Tally] = []

    def done(mistake: Mistake, why: str) -> None:
        found.append(single(f'mistake {mistake.name}', 'failed' if why else 'passed', why))
        print(f'{len(found):3}/{len(selected)}  {mistake.name:40} {why or "found"}', flush=True)

    try:
        for name in dict.fromkeys(mistake.kernel for mistake in selected):
            target, variant = KERNELS[name]
            kernel = build.Kernel(tree, target, subject, variant)
            graft.graft(tree, subject.main)
            build.build(kernel)
            build.build_selftests(kernel)
            _Bench(kernel, done).run([mistake for mistake in selected if mistake.kernel == name])
    finally:
        graft.graft(tree, subject.main)
    say(f'{len(selected)} mistakes, {RUNS} runs each')
    return sum(found, Tally())
