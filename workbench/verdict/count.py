# SPDX-License-Identifier: GPL-2.0-only
"""Count the cases in the output of tests."""

import fnmatch
import re
from pathlib import Path

from machine import guest
from verdict import ktap
from verdict.tally import Tally, single


def kunit_name(path):
    """Return the name of a case without its parameter: KUnit SUITE.CASE."""
    return f'KUnit {".".join(path[:2])}'


def kselftest_name(path, with_target=False):
    """Return the name of a case: kselftest PROGRAM: CASE, or kselftest TARGET:PROGRAM: CASE."""
    title, *case = path
    target, _, program = title.removeprefix('selftests: ').partition(': ')
    return ': '.join([f'kselftest {target}:{program}' if with_target else f'kselftest {program}', *case[-1:]])


def kselftest_cases(text):
    """Return the cases in the output of a kselftest run, as ktap.cases() does.

    The run prints no header and no plan, and nests the output of each program behind
    "# "; KTAP requires two spaces. It interprets the exit status 2 as an expected failure,
    but a shell exits with it after an error: it counts as a failure.
    """
    return ktap.cases([re.sub(r'^ok (.* # XFAIL)$', r'not ok \1', re.sub(r'^# ', '  ', line))
                       for line in text.splitlines()])


def count_kselftest(text, programs, may_skip=()):
    """Return the tally of a kselftest run of programs, from its output.

    programs: their names in the form "TARGET: NAME". A program that does not run or that
    skips all of its cases has failed. may_skip: the programs that may skip all of them.
    """
    return _count_kselftest(kselftest_cases(text), programs, may_skip)


def count_document(lines, programs):
    """Return the tally of a KTAP document that the results of a kselftest run consist of; programs: as above."""
    return _count_kselftest(ktap.cases([re.sub(r'^ok (.* # XFAIL)$', r'not ok \1', line) for line in lines]),
                            programs, ())


def _count_kselftest(cases, programs, may_skip):
    with_target = len({str(program).partition(': ')[0] for program in programs}) > 1
    tally = Tally()
    for path, result, reason in cases:
        tally += single(kselftest_name(path, with_target), result, reason)
    missing = []
    for program in programs:
        path = f'selftests: {program}'
        results = {case.result for case in cases if case.path[0] == path}
        name = kselftest_name((path,), with_target)
        if not results:
            missing.append(name.removeprefix('kselftest '))
        elif results == {'skipped'} and program not in may_skip:
            tally += single(f'{name}: skipped every case', 'failed')
    return tally + single(f'kselftest did not run {" ".join(missing)}', 'failed') if missing else tally


def count_kunit(text, without=()):
    """Return the tally of the results of KUnit in debugfs: a KTAP document for each suite.

    without: patterns SUITE.CASE of cases that are not counted, as the parameter filter_glob
    of KUnit has them.
    """
    tally = Tally()
    for document in text.split('KTAP version 1\n1..1\n')[1:]:
        for path, result, reason in ktap.cases(document.splitlines(), 1):
            if not any(fnmatch.fnmatchcase('.'.join(path[:2]), pattern) for pattern in without):
                tally += single(kunit_name(path), result, reason)
    return tally


# The start of a suite or of a case with parameters, the sum of a case with parameters, and the
# result of a case or of a suite, in a kernel log. A suite has an indentation of 4 columns, a case
# with parameters one of 8. The last line of KUnit is in the log only when the next one follows.
_LINE = re.compile(r'(?:\[ *\d+\.\d+\](?:\[[^]]*\])? )?(?P<indent>(?: {4})*)'
                   r'(?:# Subtest: (?P<start>\S+)|# (?P<sum>\S+): pass:\d+ fail:|(?:not )?ok \d+ (?P<end>\S+))')


def unfinished_case(log: Path) -> str:
    """Return which case of KUnit did not end according to a kernel log, as a failure; '' if there is none."""
    suite = case = last = ''
    text = log.read_text(encoding='utf-8', errors='replace') if log.exists() else ''
    for found in filter(None, map(_LINE.match, text.splitlines())):
        depth = len(found['indent']) // 4
        if depth == 0:
            suite = ''
        elif depth == 1:
            suite, case, last = found['start'] or suite, '', found['sum'] or found['end'] or ''
        elif depth == 2 and found['start']:
            case = found['start']
    if not suite:
        return ''
    return f'KUnit {suite}{f".{case}" if case else ""}: did not end' + (
        f'; the last result in its log is that of {last}' if last and not case else '')


def with_status(tally, status, name):
    """Return the tally; add a failure if the guest failed, or if only the exit status shows a failure."""
    if status in guest.FAILURES:
        # It is the first failure, since it may be the cause of the others.
        return single(f'{name}: {guest.FAILURES[status]}', 'failed') + tally
    if status and not tally.failed:
        return tally + single(f'{name}: the run ended with {status} although no case failed', 'failed')
    return tally
