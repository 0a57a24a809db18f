# SPDX-License-Identifier: GPL-2.0-only
"""Run the KUnit suites: through kunit.py, and as modules of a booted kernel."""

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from host.console import UserError, say
from host.paths import build_root
from host.process import start, stop
from kernel import build
from machine import guest, report
from machine.um import UM
from subject.overlay import KUNITCONFIG
from subject.subject import Subject
from verdict.count import count_kunit, kunit_name, with_status
from verdict.results import Results, from_debugfs
from verdict.tally import Tally, single

# The line of the kernel log from which on reports count where there is no user space.
KTAP_BEGINS = r'\bKTAP version 1$'

# Seconds for kunit.py's kernel, which kunit.py itself takes for the default; and
# for a guest that runs the suites as modules.
KUNIT_TIMEOUT = 300

# KUnit's results in kunit.py's JSON; any other is a failure.
_KUNIT_RESULTS = {'PASS': 'passed', 'SKIP': 'skipped'}


def _count_group(group, path=()):
    """Count the cases of a group in kunit.py's JSON."""
    tally = Tally()
    for case in group['test_cases']:
        tally += single(kunit_name((*path, case['name'])), _KUNIT_RESULTS.get(case['status'], 'failed'))
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
    return tally + single(f'KUnit: report in the kernel log: {lines[0].strip()}', 'failed')


def _kunitconfigs(tree: Path, subject: Subject, out: Path) -> list[str]:
    """Return where kunit.py finds the settings of each overlay: directories of the tree, and files."""
    found = []
    for overlay in subject.overlays:
        found += [str(Path(path).parent) for path in overlay.files if path.endswith(f'/{KUNITCONFIG}')]
        if overlay.description.kunit.config:
            path = out / f'{overlay.name}.kunitconfig'
            path.write_text('\n'.join(['CONFIG_KUNIT=y', *overlay.description.kunit.config, '']), encoding='utf-8')
            found.append(str(path))
    if not found:
        raise UserError(f'{subject.name} has no KUnit tests: no {KUNITCONFIG}, and no kunit.config in its description')
    return found


def kunit(tree: Path, subject: Subject, timeout: int | None = None, results: Results | None = None) -> Tally:
    """Run the KUnit suites through the tree's own kunit.py; return the tally.

    timeout: seconds for the kernel, if the user names them. results: where to write
    them.
    """
    out = build_root() / f'kunit-{tree.name}'
    out.mkdir(exist_ok=True)
    output, log = out / 'results.json', out / 'test.log'
    for path in (output, log):
        path.unlink(missing_ok=True)
    arguments = [argument for overlay in subject.overlays for argument in overlay.description.kunit.arguments]
    command = [sys.executable, 'tools/testing/kunit/kunit.py', 'run',
               *(f'--kunitconfig={path}' for path in _kunitconfigs(tree, subject, out)),
               f'--build_dir={out}', f'--jobs={build.JOBS}',
               '--make_options=CC=ccache-gcc', '--make_options=HOSTCC=ccache gcc',
               '--kconfig_add=CONFIG_SMP=y', '--kernel_args=ncpus=2', '--kernel_args=seccomp=on',
               # These change every object: with them, another overlay costs its own objects only.
               '--kconfig_add=CONFIG_DEBUG_KERNEL=y', '--kconfig_add=CONFIG_DEBUG_SPINLOCK=y',
               # A report stops the kernel where it has an option for that.
               '--kernel_args=panic_on_warn=1', '--kernel_args=oops=panic',
               # The kernel would leave its directory in the home of the user if it is killed.
               f'--kernel_args=uml_dir={tempfile.gettempdir()}/uml/',
               *(f'--kernel_args={argument}' for argument in arguments),
               f'--timeout={timeout or KUNIT_TIMEOUT}', f'--json={output}']
    # It builds a kernel first, and says so where it is not buffered.
    env = build.compiler_environment(PYTHONUNBUFFERED='1', TMPDIR=UM.capacity(1)[1]['memory'])
    child = start(command, cwd=tree, env=env, stdin=subprocess.DEVNULL)
    try:
        status = child.wait()
    finally:
        stop(child)
    if results and log.exists():
        results.add_kernel_log('kunit', log)
        results.add_log_with_ktap('kunit', tree, log)
    return judge_kunit(output, log, status)


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


def kunit_modules(kernel, show=True, timeout=None, results: Results | None = None) -> Tally:
    """Run the KUnit suites as a module of the booted kernel; return the tally.

    show: print the results. timeout: as that of guest.run(). results: where to write
    them.
    """
    modules = build.kunit_modules(kernel)
    if not modules:
        raise UserError(f'{kernel.name} has no module with KUnit suites of {kernel.subject.name}')
    command = f'modprobe -a {" ".join(modules)} && cat /sys/kernel/debug/kunit/*/results'
    out = io.BytesIO()
    status = guest.run(kernel, command, kernel.log('kunit-boot'), timeout, KUNIT_TIMEOUT, out=out)
    text = out.getvalue().decode(errors='replace')
    if results:
        results.add_kernel_log('kunit', kernel.log('kunit-boot'))
        results.add('kunit', kernel.tree, from_debugfs(text))
    if show:
        print(text, end='', flush=True)
    return with_status(count_kunit(text), status, 'KUnit')
