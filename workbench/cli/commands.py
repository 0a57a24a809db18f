# SPDX-License-Identifier: GPL-2.0-only
"""What each command does, in terms of the packages below."""

import importlib
import os
import shlex
import sys
import textwrap
from collections.abc import Callable

from cli import clean
from cli.options import Options
from host.console import UserError, say
from host.paths import WORKBENCH
from kernel import build, source
from machine import guest
from machine.machines import MACHINES
from ship import docs, lint, series
from subject import graft, subject
from subject.subject import Subject
from trial import trial
from verdict import debug, evidence, kselftest as kselftests, kunit as kunits, releases
from verdict.results import Results, check
from verdict.tally import Tally


def _subject(options: Options) -> Subject:
    return subject.load(options.overlay)


def _kernel(options: Options, always: bool = False) -> build.Kernel:
    ours = _subject(options)
    tree = source.tree_for(options.kernel, options.kdir, ours)
    kernel = build.Kernel(tree, MACHINES[options.target], ours, 'debug' if options.debug else '', extra=options.config)
    build.build(kernel, always)
    return kernel


def demo(options: Options) -> int:
    """Show the driver on a booted kernel."""
    script = _subject(options).main.in_folder('demo.sh', 'demo')
    kernel = _kernel(options)
    return guest.run(kernel, f'. {shlex.quote(str(script))}', kernel.log('demo-boot'), options.timeout)


def kernel(options: Options) -> int:
    """Build the kernel and say where it is."""
    built = _kernel(options, always=True)
    say(f'Linux {built.release()} for {built.name}: {built.out}')
    say('a module in the current directory is built against it with:')
    print(f'make -C {built.tree} O={built.out} ARCH={built.target.name} M=$PWD modules')
    return 0


def _kunit(options: Options, results: Results, built: build.Kernel | None = None) -> Tally:
    # kunit.py builds a um kernel of its own; it has no options for another.
    if options.debug or options.config or options.target != 'um':
        return kunits.kunit_modules(built or _kernel(options), timeout=options.timeout, results=results)
    ours = _subject(options)
    tree = built.tree if built else source.tree_for(options.kernel, options.kdir, ours)
    return kunits.kunit(tree, ours, timeout=options.timeout, results=results)


def kunit(options: Options) -> int:
    """Run the KUnit suites."""
    results = Results(options.results)
    return _finish(_kunit(options, results), results)


def kselftest(options: Options) -> int:
    """Run the kselftests."""
    results = Results(options.results)
    return _finish(kselftests.run(_kernel(options), options.test, options.timeout, results), results)


def test(options: Options) -> int:
    """Run all tests that the overlays have."""
    results = Results(options.results)
    built = _kernel(options)
    ours = built.subject
    before = evidence.digests(built.tree, ours)
    of_kunit = _kunit(options, results, built) if ours.has_kunit else Tally()
    of_kselftest = kselftests.run(built, (), options.timeout, results) if ours.targets else Tally()
    evidence.record_tests(before, built, of_kunit, of_kselftest)
    tally = of_kunit + of_kselftest
    if ours.main.description.debug and not built.debug:
        tally += debug.session(built, results)
    # Checkers leave no room for some of the tests that an overlay may require.
    if not built.debug and not options.config:
        tally += check(built, tally)
    return _finish(tally, results)


def _finish(tally: Tally, results: Results | None = None) -> int:
    if results:
        say(f'results: {results.directory}')
    for line in tally.failures():
        print(f'failed: {line}')
    print(tally, flush=True)
    return 1 if tally.failed or not tally.passed else 0


def run_in_guest(options: Options) -> int:
    """Run a command in the guest."""
    built = _kernel(options)
    return guest.run(built, options.cmd, built.log('guest-boot'), timeout=options.timeout,
                     modules=build.driver_modules(built))


def shell(options: Options) -> int:
    """Give a prompt in the guest."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UserError("make shell requires a terminal; without one: make guest CMD='...'")
    built = _kernel(options)
    say('The root is that of this machine, changes go to memory; "exit" powers the guest off.')
    return guest.run(built, 'exec ${SHELL:-/bin/sh} -i', built.log('shell-boot'), on_terminal=True,
                     modules=build.driver_modules(built))


def debugger(options: Options) -> int:
    """Give a debugger's prompt on the booted kernel."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UserError('make debug requires a terminal; without one: make debug-session')
    return debug.interactive(_kernel(options), options.cmd)


def debugger_session(options: Options) -> int:
    """Run a session of the debugger that checks itself."""
    return _finish(debug.session(_kernel(options)))


def graft_into(options: Options) -> int:
    """Graft into a tree of the user's own."""
    tree = source.require_kernel_tree(options.kdir)
    for overlay in _subject(options).overlays:
        changed = graft.graft(tree, overlay)
        say(f'{tree}: {changed} files changed' if changed else f'{tree}: {overlay.name} is grafted already')
    return 0


def ungraft_from(options: Options) -> int:
    """Remove the driver from a tree of the user's own."""
    tree = source.require_kernel_tree(options.kdir)
    for overlay in reversed(_subject(options).overlays):
        changed = graft.ungraft(tree, overlay.name)
        say(f'{tree}: {changed} files changed' if changed else f'{tree}: {overlay.name} is not grafted')
    return 0


def create_series(options: Options) -> int:
    """Create the patch series."""
    ours = _subject(options)
    tree = source.tree_for(options.kernel, options.kdir, ours, series=True)
    for path in series.create(tree, ours, options.v):
        print(path)
    return 0


def run_checks(options: Options) -> int:
    """Run the checks that maintainers run."""
    ours = _subject(options)
    tree = source.tree_for(options.kernel, options.kdir, ours, series=True)
    return 1 if lint.lint(tree, ours, options.quick) else 0


def manual(options: Options) -> int:
    """Build the manual as HTML."""
    ours = _subject(options)
    tree = source.tree_for(options.kernel, options.kdir, ours)
    page, log = docs.build(tree, ours.main)
    print(page)
    found = docs.warnings(tree, log, ours.main)
    for line in found:
        say(line)
    return 1 if found else 0


def show_help(_: Options) -> int:
    """Print the commands and the options, those of this repository's overlay at the end."""
    print((WORKBENCH / 'help').read_text(encoding='utf-8'), end='')
    for name, about in subject.load().main.description.commands.items():
        print(f'  make {name}\n{textwrap.indent(textwrap.fill(about, 60), " " * 20)}')
    return 0


def set_up(_: Options) -> int:
    """Install packages, which has been done when this is called."""
    return 0


def run_tests(_: Options) -> int:
    """Run the tests of the workbench itself."""
    # unittest takes as long to load as everything else.
    from cli import check
    return check.run()


def remove_output(_: Options) -> int:
    """Remove the build output."""
    clean.clean()
    return 0


def check_debian(options: Options) -> int:
    """Repeat the two commands of the README on bare systems."""
    return 1 if releases.check_hosts(options.releases) else 0


def check_other_overlays(options: Options) -> int:
    """Test drivers other than that of this repository."""
    from cli import check_overlays
    return _finish(check_overlays.run(options))


def check_trials(options: Options) -> int:
    """Try modules with and without mistakes."""
    from cli import check_try
    return _finish(check_try.run(options))


def check_release(options: Options) -> int:
    """Boot a kernel with another release of Debian as its root."""
    return releases.check_guest(_kernel(options))


def try_modules(options: Options) -> int:
    """Try modules of the user's own; with CMD=shell, give a prompt with them loaded."""
    if options.cmd == 'shell':
        if not (os.isatty(0) and os.isatty(1)):
            raise UserError("CMD=shell requires a terminal; without one: CMD='...'")
        return trial.shell(options)
    return _finish(trial.run(options).tally)


def of_overlay(command: str, options: Options) -> Callable[[Options], int]:
    """Return the function of a command of the overlay: run() of a Python file in its folder."""
    ours = _subject(options)
    path = ours.main.in_folder(f'{command.replace("-", "_")}.py', f'command {command}')
    sys.path.append(str(path.parent))
    module = importlib.import_module(path.stem)
    return lambda options: module.run(ours, options)


FUNCTIONS: dict[str, Callable[[Options], int]] = {
    'check': run_tests, 'check-debian': check_debian, 'check-overlays': check_other_overlays,
    'check-release': check_release, 'check-try': check_trials, 'clean': remove_output,
    'debug': debugger, 'debug-session': debugger_session, 'demo': demo, 'docs': manual, 'graft': graft_into,
    'guest': run_in_guest, 'help': show_help, 'kernel': kernel, 'kselftest': kselftest,
    'kunit': kunit, 'lint': run_checks, 'series': create_series, 'setup': set_up, 'shell': shell,
    'test': test, 'try': try_modules, 'ungraft': ungraft_from,
}
