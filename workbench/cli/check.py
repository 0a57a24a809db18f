# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests of the workbench itself, and print a line for each test that does not pass."""

import concurrent.futures
import multiprocessing
import os
import signal
import sys
import time
import traceback
import unittest
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from host.console import UserError, say
from host.guard import SIGNALS
from host.paths import REPO, WORKBENCH, build_root
from subject import overlay

TESTS = WORKBENCH / 'tests'

# The number of characters of an error that are printed; the log contains all.
SHOWN = 160

# The limit for a test in seconds. The longest one takes 15 s on an idle machine.
LIMIT = 300


class _Outcome(NamedTuple):
    """The results of the tests of a class: counts, lines to print, and a text for the log."""
    run: int
    failed: int
    skipped: int
    lines: list[str]
    details: str


class _Result(unittest.TestResult):
    """A test result with a line for each test that does not pass, and tracebacks for the log."""

    def __init__(self):
        super().__init__()
        self.lines = []
        self.details = ''

    def startTest(self, test):
        super().startTest(test)
        signal.alarm(LIMIT)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)

    def _line(self, kind: str, test, text: str, details: str):
        name = test.id().removeprefix('test_')
        self.lines.append(f'{kind}: {name}: {text[:SHOWN]}')
        self.details += f'{kind}: {name}\n{details}\n'

    def _problem(self, kind: str, test, error):
        last = str(error[1]).strip().splitlines() or [error[0].__name__]
        self._line(kind, test, last[0], ''.join(traceback.format_exception(*error)))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._problem('failed', test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._problem('error', test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._problem('failed', subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line('skipped', test, reason, '')


def _raise_timeout(*_):
    raise TimeoutError(f'still running after {LIMIT} s')


def _prepare_process() -> None:
    """Restore the default action of signals, which the children of tests inherit.

    A shell ignores SIGINT in background processes, and nohup ignores SIGHUP.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, _raise_timeout)


def _classes(suite: Iterable) -> Iterator[unittest.TestSuite]:
    """Yield suites that contain the tests of a single class."""
    if all(isinstance(test, unittest.TestSuite) for test in suite):
        for inner in suite:
            yield from _classes(inner)
    elif isinstance(suite, unittest.TestSuite):
        yield suite


# The suites of all classes. The processes that run them inherit this list.
_suites: list[unittest.TestSuite] = []


def _run(number: int) -> _Outcome:
    """Run the tests of the class with a number in _suites."""
    result = _Result()
    _suites[number].run(result)
    return _Outcome(result.testsRun, len(result.failures) + len(result.errors), len(result.skipped),
                    result.lines, result.details)


def load(directories: list[Path]) -> list[unittest.TestSuite]:
    """Return the suites of all classes below some directories, the largest first.

    Raise UserError if two test files have the same name, which Python could not import.
    """
    names = Counter(path.name for directory in directories for path in directory.glob('test*.py'))
    for name in sorted(name for name, count in names.items() if count > 1):
        raise UserError(f'{name} exists in {" and in ".join(map(str, directories))}: rename one of them')
    found = [suite for directory in directories if directory.is_dir()
             for suite in _classes(unittest.TestLoader().discover(str(directory)))]
    return sorted(found, key=lambda suite: -suite.countTestCases())


def _outcomes() -> Iterator[_Outcome]:
    """Run all classes in parallel, one on each processor; yield their outcomes."""
    own = overlay.load(REPO)
    directories = [TESTS]
    if own.description.folder:
        sys.path.append(str(own.folder))
        directories.append(own.folder / 'tests')
    _suites[:] = load(directories)
    pool = concurrent.futures.ProcessPoolExecutor(
        len(os.sched_getaffinity(0)), multiprocessing.get_context('fork'), _prepare_process)
    try:
        futures = [pool.submit(_run, number) for number in range(len(_suites))]
        for future in concurrent.futures.as_completed(futures):
            yield future.result()
    except BaseException:
        for child in multiprocessing.active_children():
            child.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def run() -> int:
    """Run all tests; return the exit status."""
    start = time.monotonic()
    path = build_root() / 'check.log'
    count = failed = skipped = 0
    with open(path, 'w', encoding='utf-8') as log:
        for outcome in _outcomes():
            for line in outcome.lines:
                print(line, flush=True)
            log.write(outcome.details)
            count += outcome.run
            failed += outcome.failed
            skipped += outcome.skipped
    print(f'{count} tests, {failed} failed, {skipped} skipped ({time.monotonic() - start:.0f} s)', flush=True)
    if failed:
        say(f'log: {path}')
    return 1 if failed or not count else 0
