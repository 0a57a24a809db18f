# SPDX-License-Identifier: GPL-2.0-only
"""Count the cases in what tests print."""

import re

from machine import guest
from verdict import ktap
from verdict.tally import Tally, single


def kunit_name(path):
    """Return the name of a case, whatever its parameter: KUnit SUITE.CASE."""
    return f'KUnit {".".join(path[:2])}'


def kselftest_name(path, with_target=False):
    """Return the name of a case: kselftest PROGRAM: CASE, with the target before the program on request."""
    whole, *case = path
    target, _, program = whole.removeprefix('selftests: ').partition(': ')
    return ': '.join([f'kselftest {target}:{program}' if with_target else f'kselftest {program}', *case[-1:]])


def kselftest_cases(text):
    """Return the cases in what a kselftest run printed, as ktap.cases() does.

    The run prints no header and no plan of its own, and nests the output of
    each program behind "# "; in KTAP, that is two spaces. It takes a status of
    2 for an expected failure, which none of ours has: a shell ends with it at an
    error.
    """
    return ktap.cases([re.sub(r'^ok (.* # XFAIL)$', r'not ok \1', re.sub(r'^# ', '  ', line))
                       for line in text.splitlines()])


def count_kselftest(text, programs):
    """Count the cases in what a kselftest run of some programs printed.

    programs: named "TARGET: NAME" each. Each of them is expected to run: one that
    skips all of its cases has failed.
    """
    cases = kselftest_cases(text)
    with_target = len({str(program).partition(': ')[0] for program in programs}) > 1
    tally = Tally()
    for path, result, reason in cases:
        tally += single(kselftest_name(path, with_target), result, reason)
    lacking = []
    for program in programs:
        path = f'selftests: {program}'
        results = {case.result for case in cases if case.path[0] == path}
        name = kselftest_name((path,), with_target)
        if not results:
            lacking.append(name.removeprefix('kselftest '))
        elif results == {'skipped'}:
            tally += single(f'{name}: skipped every case', 'failed')
    return tally + single(f'kselftest did not run {" ".join(lacking)}', 'failed') if lacking else tally


def count_kunit(text):
    """Count the cases in the results that KUnit has in debugfs, one document a suite."""
    tally = Tally()
    for document in text.split('KTAP version 1\n1..1\n')[1:]:
        for path, result, reason in ktap.cases(document.splitlines(), 1):
            tally += single(kunit_name(path), result, reason)
    return tally


def with_status(tally, status, name):
    """Return the tally, with a failure more when the run itself has failed otherwise."""
    if status in guest.FAILURES:
        # First, since it may be the cause of the others.
        return single(f'{name}: {guest.FAILURES[status]}', 'failed') + tally
    if status and not tally.failed:
        return tally + single(f'{name}: the run ended with {status} although no case failed', 'failed')
    return tally
