# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests and count what came of them, with the kernel's own tools."""

import datetime
import hashlib
import importlib
import io
import json
import re
import subprocess
import sys
from typing import NamedTuple

import build
import graft
import guest
import um
from console import UserError, say
from paths import build_root
from process import start, stop


LAST_TEST, LAST_LINT = 'last-test.json', 'last-lint'


# From the best to the worst.
_RESULTS = ('passed', 'skipped', 'failed')


class Tally(NamedTuple):
    """How many cases there were, each parameter of a case by itself.

    results: what came of each, by its name; of one with parameters, the worst.
    """
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    results: dict = {}

    def __add__(self, other):
        results = dict(self.results)
        for name, result in other.results.items():
            results[name] = max(result, results.get(name, result), key=_RESULTS.index)
        return Tally(*(a + b for a, b in zip(self[:3], other[:3])), results)

    def __str__(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


def _tested():
    """A digest of all that a test run is about."""
    digest = hashlib.sha256()
    for path, file in graft.upstream_files().items():
        if not path.startswith('Documentation/'):
            digest.update(f'{path} '.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _runs():
    """The last test run on each kind of kernel."""
    try:
        return json.loads((build_root() / LAST_TEST).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}


def remember(kernel, of_kunit, of_kselftest):
    """Keep the tallies of a whole test run in build/last-test.json."""
    tally = of_kunit + of_kselftest
    runs = _runs()
    runs[kernel.name] = {
        'kernel': kernel.name, 'release': kernel.release(),
        'date': datetime.date.today().isoformat(), 'sources': _tested(),
        'kunit': of_kunit.passed, 'kselftest': of_kselftest.passed,
        'passed': tally.passed, 'failed': tally.failed, 'skipped': tally.skipped}
    (build_root() / LAST_TEST).write_text(json.dumps(runs, indent=1) + '\n', encoding='utf-8')


def remembered():
    """The last test run on each kind of kernel that was of the present sources."""
    return [run for run in _runs().values() if run['sources'] == _tested()]


def remember_lint():
    """Keep that all of make lint has passed on the present sources."""
    (build_root() / LAST_LINT).write_text(_tested(), encoding='utf-8')


def lint_has_passed():
    """Whether all of make lint has passed on the present sources."""
    stamp = build_root() / LAST_LINT
    return stamp.exists() and stamp.read_text(encoding='utf-8') == _tested()


def one(name, passed, skipped=False):
    """The tally of one case."""
    failed = not (passed or skipped)
    return Tally(int(passed), int(failed), int(skipped),
                 {name: 'passed' if passed else 'skipped' if skipped else 'failed'})


def _kunit_name(path):
    """The name of a case, whatever its parameter: KUnit SUITE.CASE."""
    return f'KUnit {".".join(path[:2])}'


def _kselftest_name(path):
    """The name of a case: kselftest PROGRAM: CASE."""
    return f'kselftest {path[0].removeprefix("selftests: lkmdemo: ")}: {path[-1]}'


def _count_group(group, path=()):
    """Count the cases of a group in kunit.py's JSON."""
    tally = Tally()
    for case in group['test_cases']:
        tally += one(_kunit_name((*path, case['name'])),
                     case['status'] == 'PASS', case['status'] == 'SKIP')
    for sub_group in group['sub_groups']:
        tally += _count_group(sub_group, (*path, sub_group['name']))
    return tally


def kunit(tree):
    """Run the KUnit suites through the tree's own kunit.py; return the tally."""
    out = build_root() / f'kunit-{tree.name}'
    out.mkdir(exist_ok=True)
    results = out / 'results.json'
    results.unlink(missing_ok=True)
    command = [sys.executable, 'tools/testing/kunit/kunit.py', 'run',
               '--kunitconfig=lib/lkmdemo_kunit', f'--build_dir={out}', f'--jobs={build.JOBS}',
               '--make_options=CC=ccache-gcc', '--make_options=HOSTCC=ccache gcc',
               '--kconfig_add=CONFIG_SMP=y', '--kernel_args=ncpus=2', '--kernel_args=seccomp=on',
               '--kernel_args=lkmdemo_hello.percent=73', f'--json={results}']
    # It builds a kernel first, and says so where it is not buffered.
    env = build.compiler_environment(PYTHONUNBUFFERED='1', TMPDIR=um.memory_directory())
    child = start(command, cwd=tree, env=env, stdin=subprocess.DEVNULL)
    try:
        status = child.wait()
    finally:
        stop(child)
    try:
        tally = _count_group(json.loads(results.read_text(encoding='utf-8')))
    except (OSError, ValueError):
        raise UserError(f'kunit.py ended with {status} and left no results; '
                        f'its log: {out}/test.log') from None
    if status and not tally.failed:
        raise UserError(f'kunit.py ended with {status} although no case failed; '
                        f'its log: {out}/test.log')
    return tally


def _parser(tree):
    """The tree's own KTAP parser, as a module, and a printer that is silent."""
    directory = tree / 'tools/testing/kunit'
    sys.path.insert(0, str(directory))
    try:
        parser = importlib.import_module('kunit_parser')
        printer = importlib.import_module('kunit_printer')
    except ImportError as error:
        raise UserError(f'{directory} has no usable KTAP parser: {error}') from None
    finally:
        sys.path.remove(str(directory))

    class Silent(printer.Printer):
        """Swallows what is printed already as it came."""

        def print(self, message):
            pass

    return parser, Silent()


def _leaves(test, path=()):
    if test.subtests:
        for subtest in test.subtests:
            yield from _leaves(subtest, (*path, subtest.name))
    else:
        yield path, test


def _count_ktap(tree, lines, name_of, show=False):
    """Count the cases in a KTAP document.

    name_of: gives the name of a case for the names that lead to it. show: print
    it in kunit.py's way, if it has not been seen as it came.
    """
    parser, silent = _parser(tree)
    printer = sys.modules['kunit_printer'].stdout if show else silent
    result = parser.parse_run_tests(lines, printer)
    status = parser.TestStatus
    tally = Tally()
    for path, test in _leaves(result):
        tally += one(name_of(path or ('',)), test.status == status.SUCCESS,
                     test.status == status.SKIPPED)
    return tally


def count_kselftest(tree, text, programs):
    """Count the cases in what a kselftest run of so many programs printed.

    The run prints no header and no plan of its own, and nests the output of
    each program behind "# "; in KTAP, that is two spaces. It takes a status of
    2 for an expected failure, which none of ours has: it is what a shell ends
    with at an error.
    """
    nested = [re.sub(r'^ok (.* # XFAIL)$', r'not ok \1', re.sub(r'^# ', '  ', line))
              for line in text.splitlines()]
    return _count_ktap(tree, ['KTAP version 1', f'1..{programs}', *nested], _kselftest_name)


def kunit_modules(kernel, show=True):
    """Run the KUnit suites as a module of the booted kernel; return the tally."""
    results = '/sys/kernel/debug/kunit'
    command = f'modprobe lkmdemo_kunit && cat {results}/lkmdemo_*/results'
    out = io.BytesIO()
    status = guest.run(kernel, command, kernel.log('kunit-boot'), timeout=300, out=out)
    # Each suite has a file, and each file is a document.
    documents = out.getvalue().decode(errors='replace').split('KTAP version 1\n1..1\n')[1:]
    tally = Tally()
    for document in documents:
        tally += _count_ktap(kernel.tree, ['KTAP version 1', '1..1', *document.splitlines()],
                             _kunit_name, show)
    return with_status(tally, status)


def with_status(tally, status):
    """The tally, with a failure more when the run itself has failed otherwise."""
    if status and not tally.failed:
        say(f'the run ended with {status} although no case failed')
        tally += Tally(failed=1)
    return tally
