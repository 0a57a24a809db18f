# SPDX-License-Identifier: GPL-2.0-only
"""What each command does, in terms of the packages below."""

import os
import shlex

from cli import clean
from host.console import UserError, say
from host.paths import WORKBENCH
from kernel import build, source
from machine import guest
from ship import docs, lint, series
from subject import graft
from verdict import bench, conditions, debug, evidence, kselftest as selftests, kunit as verdict, releases, rows
from verdict.tally import one


def _tree(options, series=False):
    return source.tree_for(options.kernel, options.kdir, series)


def _kernel(options, always=False):
    kernel = build.Kernel(_tree(options), options.target, 'debug' if options.debug else '')
    build.build(kernel, always)
    return kernel


def measure(options):
    """Measure what a call of the device costs."""
    tree = _tree(options)
    kernels = [build.Kernel(tree, 'x86_64', 'bench'), build.Kernel(tree, 'um')]
    for kernel in kernels:
        build.build(kernel)
    return bench.run(*kernels)


def demo(options):
    """Walk through the device on a booted kernel."""
    kernel = _kernel(options)
    return guest.run(kernel, f'. {shlex.quote(str(WORKBENCH))}/machine/init/demo.sh', kernel.log('demo-boot'),
                     options.timeout)


def kernel(options):
    """Build the kernel and say where it is."""
    built = _kernel(options, always=True)
    say(f'Linux {built.release()} for {built.name}: {built.out}')
    return 0


def _kunit(options, built=None):
    # kunit.py builds a um kernel of its own; it has no options for another.
    if options.debug or options.target != 'um':
        return verdict.kunit_modules(built or _kernel(options), timeout=options.timeout)
    return verdict.kunit(built.tree if built else _tree(options), timeout=options.timeout)


def kunit(options):
    """Run the KUnit suites."""
    return _finish(_kunit(options))


def kselftest(options):
    """Run the kselftests."""
    return _finish(selftests.run(_kernel(options), options.test, options.timeout))


def test(options):
    """Run all tests."""
    built = _kernel(options)
    before = evidence.about(built.tree)
    of_kunit = _kunit(options, built)
    of_kselftest = selftests.run(built, timeout=options.timeout)
    evidence.remember_tests(before, built, of_kunit, of_kselftest)
    tally = of_kunit + of_kselftest
    if not built.debug:
        tally += debug.session(built)
    # Checkers leave no room for some of the tests that the table names.
    for problem in [] if built.debug else rows.check(tally.results, built.target):
        tally += one(problem, 'failed')
    return _finish(tally)


def _finish(tally):
    for line in tally.failures():
        print(f'failed: {line}')
    print(tally, flush=True)
    return 1 if tally.failed or not tally.passed else 0


def run_in_guest(options):
    """Run a command in the guest."""
    built = _kernel(options)
    return guest.run(built, options.cmd, built.log('guest-boot'), timeout=options.timeout,
                     modules=build.driver_modules(built))


def shell(options):
    """Give a prompt in the guest."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UserError("make shell needs a terminal; without one: make guest CMD='...'")
    built = _kernel(options)
    say('The root is this machine\'s, changes go to memory; "exit" powers the guest off.')
    return guest.run(built, 'exec ${SHELL:-/bin/sh} -i', built.log('shell-boot'), on_terminal=True,
                     modules=build.driver_modules(built))


def debugger(options):
    """Give a debugger's prompt on the booted kernel."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UserError('make debug needs a terminal; without one: make debug-session')
    return debug.interactive(_kernel(options), options.cmd)


def debugger_session(options):
    """Run a session of the debugger that checks itself."""
    return _finish(debug.session(_kernel(options)))


def graft_into(options):
    """Graft into a tree of the user's own."""
    tree = _own_tree(options)
    changed = graft.graft(tree)
    say(f'{tree}: {changed} files changed' if changed else f'{tree}: grafted already')
    return 0


def ungraft_from(options):
    """Take the driver out of a tree of the user's own."""
    tree = _own_tree(options)
    changed = graft.ungraft(tree)
    say(f'{tree}: {changed} files changed' if changed else f'{tree}: nothing was grafted here')
    return 0


def cut_series(options):
    """Cut the patch series."""
    for path in series.make(_tree(options, series=True), options.v):
        print(path)
    return 0


def run_checks(options):
    """Run the checks that maintainers make."""
    return 1 if lint.lint(_tree(options, series=True), options.quick) else 0


def manual(options):
    """Build the manual as HTML."""
    tree = _tree(options)
    page, log = docs.build(tree)
    print(page)
    found = docs.warnings(tree, log)
    for line in found:
        say(line)
    return 1 if found else 0


def _own_tree(options):
    return source.require_kernel_tree(options.kdir)


def show_help(_):
    """Print what there is."""
    print((WORKBENCH / 'help').read_text(encoding='utf-8'), end='')
    return 0


def set_up(_):
    """Install packages, which has been done when this is called."""
    return 0


def run_tests(_):
    """Run the tests of the workbench itself."""
    # unittest takes as long to load as everything else.
    from cli import check
    return check.run()


def run_conditions(options):
    """Run the selftests on guests that lack something or forbid something."""
    return conditions.check(_tree(options))


def remove_output(_):
    """Remove the build output."""
    clean.clean()
    return 0


def check_debian(options):
    """Repeat the two commands of the README on bare systems."""
    return 1 if releases.check_hosts(options.releases) else 0


def check_release(options):
    """Boot a kernel with another release of Debian as its root."""
    return releases.check_guest(_kernel(options))


FUNCTIONS = {
    'bench': measure, 'check': run_tests, 'check-conditions': run_conditions,
    'check-debian': check_debian, 'check-release': check_release, 'clean': remove_output, 'debug': debugger,
    'debug-session': debugger_session, 'demo': demo, 'docs': manual, 'graft': graft_into,
    'guest': run_in_guest, 'help': show_help, 'kernel': kernel, 'kselftest': kselftest,
    'kunit': kunit, 'lint': run_checks, 'series': cut_series, 'setup': set_up, 'shell': shell,
    'test': test, 'ungraft': ungraft_from,
}
