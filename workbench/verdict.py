# SPDX-License-Identifier: GPL-2.0-only
"""Run the KUnit suites, and count what came of tests."""

import io
import json
import re
import subprocess
import sys

import build
import guest
import ktap
import um
from console import UserError
from paths import build_root
from process import start, stop
from tally import Tally, one

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


def kunit(tree):
    """Run the KUnit suites through the tree's own kunit.py; return the tally."""
    out = build_root() / f'kunit-{tree.name}'
    out.mkdir(exist_ok=True)
    results, log = out / 'results.json', out / 'test.log'
    results.unlink(missing_ok=True)
    command = [sys.executable, 'tools/testing/kunit/kunit.py', 'run',
               '--kunitconfig=lib/lkmdemo_kunit', f'--build_dir={out}', f'--jobs={build.JOBS}',
               '--make_options=CC=ccache-gcc', '--make_options=HOSTCC=ccache gcc',
               '--kconfig_add=CONFIG_SMP=y', '--kernel_args=ncpus=2', '--kernel_args=seccomp=on',
               '--kernel_args=lkmdemo_hello.percent=73', f'--json={results}']
    # It builds a kernel first, and says so where it is not buffered.
    env = build.compiler_environment(PYTHONUNBUFFERED='1', TMPDIR=um.room(1)[1]['memory'])
    child = start(command, cwd=tree, env=env, stdin=subprocess.DEVNULL)
    try:
        status = child.wait()
    finally:
        stop(child)
    return judge_kunit(results, log, status)


def judge_kunit(results, log, status):
    """The tally of a run of kunit.py, by the results that it has left."""
    try:
        tally = _count_group(json.loads(results.read_text(encoding='utf-8')))
    except (OSError, ValueError):
        raise UserError(f'kunit.py ended with {status} and left no results; its log: {log}') from None
    if status and not tally.failed:
        raise UserError(f'kunit.py ended with {status} although no case failed; its log: {log}')
    return tally


def count_kselftest(text, programs):
    """Count the cases in what a kselftest run of some programs printed.

    The run prints no header and no plan of its own, and nests the output of
    each program behind "# "; in KTAP, that is two spaces. It takes a status of
    2 for an expected failure, which none of ours has: it is what a shell ends
    with at an error.

    Each of the programs is expected to run: one that skips all of its cases has
    failed.
    """
    nested = [re.sub(r'^ok (.* # XFAIL)$', r'not ok \1', re.sub(r'^# ', '  ', line))
              for line in text.splitlines()]
    cases = ktap.cases(nested)
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


def kunit_modules(kernel, show=True):
    """Run the KUnit suites as a module of the booted kernel; return the tally.

    show: print the results.
    """
    command = 'modprobe lkmdemo_kunit && cat /sys/kernel/debug/kunit/lkmdemo_*/results'
    out = io.BytesIO()
    status = guest.run(kernel, command, kernel.log('kunit-boot'), timeout=300, out=out)
    text = out.getvalue().decode(errors='replace')
    if show:
        print(text, end='', flush=True)
    return with_status(count_kunit(text), status, 'KUnit')


def with_status(tally, status, name):
    """The tally, with a failure more when the run itself has failed otherwise."""
    if status and not tally.failed:
        return tally + one(f'{name}: the run ended with {status} although no case failed', 'failed')
    return tally
