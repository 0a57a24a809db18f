# SPDX-License-Identifier: GPL-2.0-only
"""Run the kselftests on um guests that lack features or permissions.

A test that cannot run under a condition must be skipped with a reason; the others must
pass. The programs run from an installation.
"""

import collections
import concurrent.futures
import io
import itertools
import os
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from host.console import say
from kernel import build, source
from machine import guest
from machine.um import UM
from verdict import kselftest
from verdict.count import kselftest_cases

HERE = Path(__file__).resolve().parent

# The behaviour of a program: the results of its cases.
PASSES, SKIPS_SOME, SKIPS_ALL = 'passes all', 'skips some', 'skips all'

# The limit for a guest, in seconds.
TIMEOUT = 600

# The result of a program that exits with KSFT_SKIP.
_SKIPPED = re.compile(r'^ok \d+ selftests: lkmdemo: (\S+) # SKIP$', re.MULTILINE)


class Condition(NamedTuple):
    """A condition of the machine, and the expected behaviour of the programs.

    prepare: shell commands that create the condition. expected: the behaviour of programs.
    others: the behaviour of the programs that expected does not name. only: whether only the
    programs in expected run. user: a command that runs the programs as an ordinary user.
    builtin: whether the driver is built in. restores: whether the programs must restore the
    state of the guest.
    """
    name: str
    prepare: str
    others: str
    expected: dict[str, str] = {}
    only: bool = False
    user: str = ''
    builtin: bool = False
    restores: bool = False


_MODULES = '/lib/modules/$(uname -r)'


def _compressed(tool: str) -> str:
    """Return commands that compress the modules; tool: replaces files by compressed ones."""
    return f'find {_MODULES} -name "*.ko" -exec {tool} {{}} + && depmod'


CONDITIONS = (
    Condition('modules compressed with xz, TMPDIR does not exist',
              f'{_compressed("xz")}; export TMPDIR=/nonexistent',
              # Each guest here has one processor.
              PASSES, {'concurrent': SKIPS_SOME}, restores=True),
    Condition('modules compressed with zstd, and loaded with parameters before',
              f'{_compressed("zstd -q --rm")}; modprobe lkmdemo "greeting=Good morning" exclusive=N; '
              'modprobe -a lkmdemo_inc lkmdemo_pool; modprobe lkmdemo_hello value=7 "name=two words"',
              PASSES, dict.fromkeys(('counters', 'hello', 'pool', 'seek', 'sysfs', 'fio.sh', 'modinfo.sh',
                                     'modprobe.sh', 'trace_cmd.sh'), PASSES), only=True, restores=True),
    Condition('no command to decompress the modules',
              f'{_compressed("xz")}; mount --bind /dev/null $(readlink -f $(command -v xz))',
              SKIPS_ALL, {'seek': SKIPS_ALL, 'modprobe.sh': PASSES}, only=True),
    Condition('no modules', f'rm -r {_MODULES}', SKIPS_ALL,
              {'kbuild.sh': PASSES, 'modinfo.sh': SKIPS_SOME}),
    Condition('an ordinary user', ':', SKIPS_ALL,
              {'kbuild.sh': PASSES, 'modinfo.sh': PASSES, 'modprobe.sh': SKIPS_SOME},
              user='setpriv --reuid=65534 --regid=65534 --clear-groups'),
    Condition('kernel.modules_disabled is 1, the driver is loaded',
              'modprobe -a lkmdemo lkmdemo_hello lkmdemo_pool; echo 1 >/proc/sys/kernel/modules_disabled',
              SKIPS_ALL,
              {**dict.fromkeys(('ioctl', 'message', 'open', 'poll', 'seek', 'trace', 'kbuild.sh', 'modinfo.sh',
                                'trace_cmd.sh'), PASSES),
               **dict.fromkeys(('concurrent', 'debugfs', 'hello', 'mmap', 'netlink', 'pool', 'splice', 'sysfs',
                                'uring', 'fio.sh', 'modprobe.sh'), SKIPS_SOME)}, restores=True),
    Condition('kernel.kptr_restrict is 2', 'echo 2 >/proc/sys/kernel/kptr_restrict',
              PASSES, {'life': SKIPS_SOME}, only=True),
    Condition('neither debugfs nor tracefs', 'umount /sys/kernel/debug /sys/kernel/tracing', PASSES,
              {'debugfs': SKIPS_ALL, 'life': PASSES, 'pool': SKIPS_SOME, 'trace': SKIPS_SOME,
               'trace_cmd.sh': SKIPS_ALL}, only=True),
    Condition('no devtmpfs, no kernel log',
              'mkdir /tmp/dev; cp -a /dev/null /dev/zero /dev/random /dev/fd /dev/std* /tmp/dev; '
              'mount --bind /tmp/dev /dev',
              PASSES, {'counters': SKIPS_SOME, 'hello': SKIPS_SOME, 'life': SKIPS_SOME, 'refused': SKIPS_ALL,
                       'seek': SKIPS_ALL}, only=True),
    Condition('no kmod', 'mount --bind /dev/null /bin/kmod', PASSES,
              {'seek': PASSES, 'fio.sh': SKIPS_ALL, 'modinfo.sh': SKIPS_ALL, 'modprobe.sh': SKIPS_ALL}, only=True),
    Condition('the driver is built in', ':', SKIPS_ALL,
              {**dict.fromkeys(('ioctl', 'message', 'open', 'poll', 'seek', 'kbuild.sh', 'trace_cmd.sh'), PASSES),
               **dict.fromkeys(('concurrent', 'debugfs', 'hello', 'life', 'mmap', 'netlink', 'pool', 'refused',
                                'splice', 'sysfs', 'trace', 'uring', 'fio.sh', 'modinfo.sh'), SKIPS_SOME)},
              builtin=True, restores=True),
)


def _command(condition: Condition, directory, programs: list[str]) -> str:
    """Return the shell command that creates a condition and runs programs.

    The installation is mounted read-only. Perl is hidden, since the runner is slow with it.
    """
    state = f'sh {shlex.quote(str(HERE / "state.sh"))}'
    tests = ' '.join(f'-t lkmdemo:{program}' for program in programs)
    # The installed runner is executable only for its owner.
    run = f'sh run_kselftest.sh {tests}'
    if condition.user:
        # The runner opens its output again, which the user may do only with a new pipe.
        run = f'{condition.user} sh -c {shlex.quote(run + " | cat")}'
    lines = ['mount --bind /dev/null /usr/bin/perl',
             f'mount --bind {shlex.quote(str(directory))} /mnt', 'mount -o remount,bind,ro /mnt',
             f'{{ {condition.prepare}; }} >&2', 'cd /mnt', f'{state} >/run/before',
             f'taskset -c 0 {run}']
    if condition.restores:
        lines += [f'{state} >/run/after', 'diff /run/before /run/after >&2']
    return '\n'.join(lines)


def _behaviour(results: set[str]) -> str:
    """Return the behaviour of a program with some results."""
    if results == {'passed'}:
        return PASSES
    if results == {'skipped'}:
        return SKIPS_ALL
    return SKIPS_SOME if results == {'passed', 'skipped'} else 'fails'


def problems(condition: Condition, programs: list[str], text: str, cases: dict[str, set]) -> list[str]:
    """Return the problems of a run under a condition, a line for each.

    text: the output of the run. cases: maps each program to the names of its cases;
    programs that it does not contain are added.
    """
    found = []
    exited = _SKIPPED.findall(text)
    ran = kselftest_cases(text)
    for program in programs:
        results = {case.path[1:]: case.result for case in ran
                   if case.path[0] == f'selftests: lkmdemo: {program}'}
        expected = condition.expected.get(program, condition.others)
        actual = _behaviour(set(results.values()))
        if actual != expected:
            found.append(f'{program} {actual}; expected: {expected}')
        if (actual == SKIPS_ALL) != (program in exited):
            found.append(f'{program} {actual}, but its exit status is{"" if program in exited else " not"} 4')
        if cases.setdefault(program, set(results)) != set(results):
            found.append(f'{program} has other cases than under other conditions')
    if re.search(r'^# ok .*# SKIP *$', text, re.MULTILINE):
        found.append('a case is skipped without a reason')
    return found


def _kernels(tree, subject):
    """Build and return the um kernel, and one with the driver built in."""
    usual = build.Kernel(tree, UM, subject)
    builtin = build.Kernel(tree, UM, subject, name='um-builtin', seed=usual,
                           extra=(HERE / 'builtin.config').read_text(encoding='utf-8'))
    for kernel in usual, builtin:
        build.build(kernel)
    return usual, builtin


def _install(kernel):
    """Install the selftests; return the directory."""
    build.build_selftests(kernel)
    build.make_selftests(kernel, 'LDFLAGS=-static', 'install')
    return kernel.out / 'kselftest/kselftest_install'


def run(subject, options) -> int:
    """Run the selftests under each condition; return the exit status."""
    tree = source.tree_for(options.kernel, options.kdir, subject)
    usual, builtin = _kernels(tree, subject)
    directory = _install(usual)
    available = [program.name for program in kselftest.programs(usual) if not kselftest.unsupported(usual, program)
                 and program.name not in subject.main.description.selftests.on_request]

    def run_one(number, condition, processor):
        os.sched_setaffinity(0, {processor})
        programs = [program for program in available if not condition.only or program in condition.expected]
        kernel = builtin if condition.builtin else usual
        out, err = io.BytesIO(), io.BytesIO()
        status = guest.run(kernel, _command(condition, directory, programs), kernel.log(f'condition-{number}'),
                           limit=TIMEOUT, out=out, err=err, processors=1)
        kernel.log(f'condition-{number}-output').write_bytes(out.getvalue())
        return condition, programs, status, out.getvalue().decode(errors='replace'), err.getvalue().decode()

    cases: dict[str, set] = {}
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2 * build.JOBS) as pool:
        for condition, programs, status, text, errors in pool.map(
                run_one, itertools.count(1), CONDITIONS, itertools.cycle(sorted(os.sched_getaffinity(0)))):
            found = problems(condition, programs, text, cases)
            if status and not found:
                found = [f'the run ended with {status}', *errors.splitlines()]
            counts = collections.Counter(case.result for case in kselftest_cases(text))
            say(f'{condition.name}: ' + ', '.join(f'{counts[each]} {each}' for each in ('passed', 'failed', 'skipped')))
            for line in found:
                say(f'  {line}')
            failed += bool(found)
    print(f'{len(CONDITIONS)} conditions, {failed} failed', flush=True)
    return 1 if failed else 0
