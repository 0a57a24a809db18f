# SPDX-License-Identifier: GPL-2.0-only
"""Run the KUnit suites, and count what came of tests."""

import io
import json
import re
import subprocess
import sys
import tempfile

from host.console import UserError, say
from host.paths import build_root
from host.process import start, stop
from kernel import build
from machine import guest, report, um
from verdict import ktap
from verdict.tally import Tally, one

# The line of the kernel log from which on reports count where there is no user space.
KTAP_BEGINS = r'\bKTAP version 1$'

# Seconds for kunit.py's kernel, which kunit.py itself takes for the default; and
# for a guest that runs the suites as modules.
KUNIT_TIMEOUT = 300

# KUnit's results in kunit.py's JSON; any other is a failure.
_KUNIT_RESULTS = {'PASS': 'passed', 'SKIP': 'skipped'}


def _kunit_name(path):
    """The name of a case, whatever its parameter: KUnit SUITE.CASE."""
    return f'KUnit {".".join(path[:2])}'


def _kselftest_name(path):
    """The name of a case: kselftest PROGRAM: CASE."""
    program, *case = path
    return ': '.join([f'kselftest {program.removeprefix("selftests: lkmdemo: ")}', *case[-1:]])


def _count_group(group, path=()):
    """Count the cases of a group in kunit.py's JSON."""
    tally = Tally()
    for case in group['test_cases']:
        tally += one(_kunit_name((*path, case['name'])), _KUNIT_RESULTS.get(case['status'], 'failed'))
    for sub_group in group['sub_groups']:
        tally += _count_group(sub_group, (*path, sub_group['name']))
    return tally


def _with_report(tally, log):
    """The tally, with a failure more when the kernel log has a report, which is printed."""
    lines = report.find(log, KTAP_BEGINS)
    if not lines:
        return tally
    say('the kernel log has a report; the run has failed:')
    for line in lines:
        say('  ' + line)
    say(f'kernel log: {log}')
    return tally + one(f'KUnit: report in the kernel log: {lines[0].strip()}', 'failed')


def kunit(tree, timeout=None):
    """Run the KUnit suites through the tree's own kunit.py; return the tally.

    timeout: seconds for the kernel, if the user names them.
    """
    out = build_root() / f'kunit-{tree.name}'
    out.mkdir(exist_ok=True)
    results, log = out / 'results.json', out / 'test.log'
    for path in (results, log):
        path.unlink(missing_ok=True)
    command = [sys.executable, 'tools/testing/kunit/kunit.py', 'run',
               '--kunitconfig=lib/lkmdemo_kunit', f'--build_dir={out}', f'--jobs={build.JOBS}',
               '--make_options=CC=ccache-gcc', '--make_options=HOSTCC=ccache gcc',
               '--kconfig_add=CONFIG_SMP=y', '--kernel_args=ncpus=2', '--kernel_args=seccomp=on',
               # A report stops the kernel where it has an option for that.
               '--kernel_args=panic_on_warn=1', '--kernel_args=oops=panic',
               # The kernel would leave its directory in the home of the user if it is killed.
               f'--kernel_args=uml_dir={tempfile.gettempdir()}/uml/',
               '--kernel_args=lkmdemo_hello.percent=73', f'--timeout={timeout or KUNIT_TIMEOUT}',
               f'--json={results}']
    # It builds a kernel first, and says so where it is not buffered.
    env = build.compiler_environment(PYTHONUNBUFFERED='1', TMPDIR=um.room(1)[1]['memory'])
    child = start(command, cwd=tree, env=env, stdin=subprocess.DEVNULL)
    try:
        status = child.wait()
    finally:
        stop(child)
    return judge_kunit(results, log, status)


def judge_kunit(results, log, status):
    """The tally of a run of kunit.py, by the results and the kernel log that it has left."""
    tally = _with_report(Tally(), log) if log.exists() else Tally()
    try:
        tally += _count_group(json.loads(results.read_text(encoding='utf-8')))
    except (OSError, ValueError):
        if not tally.failed:
            raise UserError(f'kunit.py ended with {status} and left no results; its log: {log}') from None
    if status and not tally.failed:
        raise UserError(f'kunit.py ended with {status} although no case failed; its log: {log}')
    return tally


def kselftest_cases(text):
    """The cases in what a kselftest run printed, as ktap.cases() returns them.

    The run prints no header and no plan of its own, and nests the output of
    each program behind "# "; in KTAP, that is two spaces. It takes a status of
    2 for an expected failure, which none of ours has: it is what a shell ends
    with at an error.
    """
    return ktap.cases([re.sub(r'^ok (.* # XFAIL)$', r'not ok \1', re.sub(r'^# ', '  ', line))
                       for line in text.splitlines()])


def count_kselftest(text, programs):
    """Count the cases in what a kselftest run of some programs printed.

    Each of the programs is expected to run: one that skips all of its cases has
    failed.
    """
    cases = kselftest_cases(text)
    tally = Tally()
    for path, result in cases:
        tally += one(_kselftest_name(path), result)
    lacking = []
    for program in programs:
        results = {case.result for case in cases if case.path[0] == f'selftests: lkmdemo: {program}'}
        if not results:
            lacking.append(program)
        elif results == {'skipped'}:
            tally += one(f'kselftest {program}: skipped every case', 'failed')
    return tally + one(f'kselftest did not run {" ".join(lacking)}', 'failed') if lacking else tally


def count_kunit(text):
    """Count the cases in the results that KUnit has in debugfs, one document a suite."""
    tally = Tally()
    for document in text.split('KTAP version 1\n1..1\n')[1:]:
        for path, result in ktap.cases(document.splitlines(), 1):
            tally += one(_kunit_name(path), result)
    return tally


def kunit_modules(kernel, show=True, timeout=None):
    """Run the KUnit suites as a module of the booted kernel; return the tally.

    show: print the results. timeout: as that of guest.run().
    """
    command = 'modprobe lkmdemo_kunit && cat /sys/kernel/debug/kunit/lkmdemo_*/results'
    out = io.BytesIO()
    status = guest.run(kernel, command, kernel.log('kunit-boot'), timeout, KUNIT_TIMEOUT, out=out)
    text = out.getvalue().decode(errors='replace')
    if show:
        print(text, end='', flush=True)
    return with_status(count_kunit(text), status, 'KUnit')


def with_status(tally, status, name):
    """The tally, with a failure more when the run itself has failed otherwise."""
    if status in guest.FAILURES:
        # First, since it may be the cause of the others.
        return one(f'{name}: {guest.FAILURES[status]}', 'failed') + tally
    if status and not tally.failed:
        return tally + one(f'{name}: the run ended with {status} although no case failed', 'failed')
    return tally
