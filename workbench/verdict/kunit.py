# SPDX-License-Identifier: GPL-2.0-only
"""Run the KUnit suites, through kunit.py or as modules of a booted kernel."""

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from host.console import UserError, say
from host.paths import build_root
from host.process import run_logged, start, stop
from kernel import build
from kernel.architecture import ARCHITECTURES
from machine import guest, report
from machine.qemu import X86_64
from machine.um import UM
from subject.overlay import KUNITCONFIG
from subject.subject import Subject
from verdict import ktap
from verdict.count import count_kunit, kunit_name, unfinished_case, with_status
from verdict.results import Results, from_debugfs, from_log
from verdict.tally import Tally, single

KUNIT = 'tools/testing/kunit/kunit.py'

# The line of the kernel log that starts the tests; the kernel has no user space.
KTAP_BEGINS = r'\bKTAP version 1$'

# The default limit in seconds, for the kernel of kunit.py as well as for a guest.
KUNIT_TIMEOUT = 300

# The statuses in the JSON of kunit.py; any other status is a failure.
_KUNIT_RESULTS = {'PASS': 'passed', 'SKIP': 'skipped'}


def _count_group(group, unfinished, path=()):
    """Return the tally of a group in the JSON of kunit.py.

    unfinished: replaces the name of a case that lacks one, which is the case that did not end.
    """
    tally = Tally()
    for case in group['test_cases']:
        name = kunit_name((*path, case['name'])) if case['name'] else unfinished
        tally += single(name, _KUNIT_RESULTS.get(case['status'], 'failed'))
    for sub_group in group['sub_groups']:
        tally += _count_group(sub_group, unfinished, (*path, sub_group['name']))
    return tally


def _with_report(tally, log):
    """Return the tally; add a failure, and print the report, if the kernel log has one."""
    lines = report.find(log, KTAP_BEGINS)
    if not lines:
        return tally
    say('the kernel log has a report; the run has failed:')
    for line in lines:
        say('  ' + line)
    say(f'kernel log: {log}')
    return tally + single(f'KUnit: report in the kernel log: {lines[0].strip()}', 'failed')


def _kunitconfigs(tree: Path, subject: Subject, out: Path) -> list[str]:
    """Return the arguments for --kunitconfig: directories of the tree, and files written to out."""
    found = []
    for overlay in subject.overlays:
        found += [str(Path(path).parent) for path in overlay.files if path.endswith(f'/{KUNITCONFIG}')]
        if overlay.description.kunit.config:
            path = out / f'{overlay.name}.kunitconfig'
            path.write_text('\n'.join(['CONFIG_KUNIT=y', *overlay.description.kunit.config, '']), encoding='utf-8')
            found.append(str(path))
    if not found:
        raise UserError(f'{subject.name} has no KUnit tests: neither a {KUNITCONFIG} nor kunit.config in overlay.toml')
    return found


def _make_variables(subject: Subject, arch: str) -> list[str]:
    """Return the variables of make that the build for an architecture requires, '' for um."""
    return [f'CC=ccache-{ARCHITECTURES[arch].cross_compile if arch else ""}gcc', 'HOSTCC=ccache gcc',
            build.image_flags(subject)]


def _config_arguments(tree: Path, subject: Subject, out: Path, arch: str) -> list[str]:
    """Return the arguments of kunit.py that determine the configuration."""
    machine = [f'--arch={arch}', f'--cross_compile={ARCHITECTURES[arch].cross_compile}'] if arch else []
    return [*machine, *(f'--kunitconfig={path}' for path in _kunitconfigs(tree, subject, out)),
            f'--build_dir={out}', *(f'--make_options={variable}' for variable in _make_variables(subject, arch)),
            '--kconfig_add=CONFIG_SMP=y',
            # These settings affect every object. With them in every kernel, the kernels of
            # all overlays share their objects in the cache.
            '--kconfig_add=CONFIG_DEBUG_KERNEL=y', '--kconfig_add=CONFIG_DEBUG_SPINLOCK=y']


def _run_arguments(subject: Subject, arch: str) -> list[str]:
    """Return the arguments of kunit.py that determine how the kernel runs."""
    machine = ['--qemu_args=-smp 2', '--kernel_args=panic=-1'] if arch else [
        '--kernel_args=ncpus=2', '--kernel_args=seccomp=on',
        # By default, a killed kernel leaves its directory in the home of the user.
        f'--kernel_args=uml_dir={tempfile.gettempdir()}/uml/']
    # The kernel panics at a report.
    return [*machine, '--kernel_args=panic_on_warn=1', '--kernel_args=oops=panic',
            *(f'--kernel_args={argument}' for overlay in subject.overlays
              for argument in overlay.description.kunit.arguments)]


def _build_with_progress(tree: Path, subject: Subject, out: Path, config_arguments: list[str], arch: str) -> None:
    """Build the kernel, unless it exists: kunit.py shows no progress."""
    if (out / 'vmlinux').exists():
        return
    run_logged([sys.executable, KUNIT, 'config', *config_arguments], out / 'config.log',
               'configuring', cwd=tree, env=build.compiler_environment())
    cross = [f'CROSS_COMPILE={ARCHITECTURES[arch].cross_compile}'] if arch else []
    build.run_make(['make', '-C', str(tree), f'O={out}', f'ARCH={arch or UM.name}', f'-j{build.JOBS}',
                    *cross, *_make_variables(subject, arch), 'all'],
                   out / 'build.log', f'building {tree.name} for KUnit on {arch or UM.name}', out.name)


def kunit(tree: Path, subject: Subject, timeout: int | None = None, results: Results | None = None,
          arch: str = '') -> Tally:
    """Run the KUnit suites through kunit.py of the tree; return the tally.

    timeout: the limit for the kernel in seconds, if the user sets it. results: receives
    the results. arch: an architecture, for a virtual machine instead of um.
    """
    name = f'{arch}-{tree.name}' if arch else tree.name
    out = build_root() / f'kunit-{name}'
    out.mkdir(exist_ok=True)
    output, log = out / 'results.json', out / 'test.log'
    for path in (output, log):
        path.unlink(missing_ok=True)
    config_arguments = _config_arguments(tree, subject, out, arch)
    _build_with_progress(tree, subject, out, config_arguments, arch)
    limit = KUNIT_TIMEOUT * (X86_64.slowness if arch else 1)
    command = [sys.executable, KUNIT, 'run', *config_arguments, f'--jobs={build.JOBS}',
               *_run_arguments(subject, arch), f'--timeout={timeout or limit}', f'--json={output}']
    # Without buffers, the output of kunit.py is visible at once.
    location = {} if arch else {'TMPDIR': UM.capacity(1)[1]['memory']}
    env = build.compiler_environment(PYTHONUNBUFFERED='1', **location)
    child = start(command, cwd=tree, env=env, stdin=subprocess.DEVNULL)
    try:
        status = child.wait()
    finally:
        stop(child)
    lines = from_log(tree, log) if log.exists() else []
    if results and lines:
        results.add_kernel_log('kunit', log)
        results.add('kunit', tree, lines)
    return judge_kunit(output, log, status) + _reasons(lines)


def _reasons(lines: list[str]) -> Tally:
    """Return a tally without cases that has the reasons of the failures, which the JSON of kunit.py lacks."""
    failed = [case for case in ktap.cases(lines) if case.result == 'failed' and case.reason] if lines else []
    return Tally(reasons={kunit_name(case.path): case.reason for case in failed})


def judge_kunit(results, log, status):
    """Return the tally of a run of kunit.py.

    results, log: the JSON file and the kernel log of the run. status: its exit status.
    Raise UserError if there are no results, or if only the exit status shows a failure.
    """
    tally = _with_report(Tally(), log) if log.exists() else Tally()
    try:
        tally += _count_group(json.loads(results.read_text(encoding='utf-8')),
                              unfinished_case(log) or 'KUnit: a case did not end')
    except (OSError, ValueError):
        if not tally.failed:
            raise UserError(f'kunit.py ended with {status} and wrote no results; log: {log}') from None
    if status and not tally.failed:
        raise UserError(f'kunit.py ended with {status} although no case failed; log: {log}')
    return tally


def kunit_modules(kernel, show=True, timeout=None, results: Results | None = None, afterwards: str = '',
                  processors: int = 2) -> Tally:
    """Run the KUnit suites as modules of the booted kernel; return the tally.

    show: whether to print the results. timeout: that of guest.run(). results: receives
    the results. afterwards: a shell command that runs in the guest after the tests.
    processors: those of the guest.
    """
    modules = build.kunit_modules(kernel)
    if not modules:
        raise UserError(f'{kernel.name} has no module with KUnit suites of {kernel.subject.name}')
    command = f'modprobe -a {" ".join(modules)} && cat /sys/kernel/debug/kunit/*/results'
    if afterwards:
        command = f'( {command} )\nstatus=$?\n{afterwards}\nexit $status'
    out = io.BytesIO()
    status = guest.run(kernel, command, kernel.log('kunit-boot'), timeout, KUNIT_TIMEOUT, out=out,
                       processors=processors)
    text = out.getvalue().decode(errors='replace')
    if results:
        results.add_kernel_log('kunit', kernel.log('kunit-boot'))
        results.add('kunit', kernel.tree, from_debugfs(text))
    if show:
        print(text, end='', flush=True)
    tally = count_kunit(text)
    if status in guest.FAILURES and (unfinished := unfinished_case(kernel.log('kunit-boot'))):
        tally = single(unfinished, 'failed') + tally
    return with_status(tally, status, 'KUnit')
