# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests of the workbench itself: a line for each that does not pass."""

import signal
import time
import unittest

from console import say
from guard import SIGNALS
from paths import WORKBENCH, build_root

TESTS = WORKBENCH / 'tests'

# How much of an error is printed; the log has all of it.
SHOWN = 160

# Seconds after which a test has failed. The longest one takes 15 on an idle machine.
LIMIT = 300


class _Result(unittest.TestResult):
    """Prints a line for each failure, and keeps the tracebacks for the log."""

    def __init__(self, log):
        super().__init__()
        self.log = log

    def startTest(self, test):
        super().startTest(test)
        signal.alarm(LIMIT)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)

    def _line(self, kind: str, test, text: str, details: str):
        name = test.id().removeprefix('test_')
        print(f'{kind}: {name}: {text[:SHOWN]}', flush=True)
        self.log.write(f'{kind}: {name}\n{details}\n')

    def _problem(self, kind: str, test, error):
        last = str(error[1]).strip().splitlines() or [error[0].__name__]
        self._line(kind, test, last[0], self._exc_info_to_string(error, test))

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


def _heed_signals() -> None:
    """Let children start with the default action of signals that are ignored here.

    A shell ignores SIGINT in what it starts in the background, nohup ignores
    SIGHUP. An ignored signal stays ignored in a child; a handler does not.
    """
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _too_long(*_):
    raise TimeoutError(f'still running after {LIMIT} s')


def run() -> int:
    """Run all tests; return the exit status."""
    _heed_signals()
    signal.signal(signal.SIGALRM, _too_long)
    start = time.monotonic()
    tests = unittest.defaultTestLoader.discover(str(TESTS))
    path = build_root() / 'check.log'
    with open(path, 'w', encoding='utf-8') as log:
        result = _Result(log)
        tests.run(result)
    failed = len(result.failures) + len(result.errors)
    print(f'{result.testsRun} tests, {failed} failed, {len(result.skipped)} skipped '
          f'({time.monotonic() - start:.0f} s)', flush=True)
    if failed:
        say(f'log: {path}')
    return 0 if result.wasSuccessful() and result.testsRun else 1
