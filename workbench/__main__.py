# SPDX-License-Identifier: GPL-2.0-only
"""The commands behind the Makefile: python3 workbench COMMAND.

Options come as environment variables, which is how make hands on what stands
on its command line: CMD, DEBUG, KDIR, KERNEL, QUICK, TARGET, TEST, V.
"""

import fcntl
import os
import shlex
import signal
import sys

import bench
import build
import debug
import docs
import graft
import guest
import kselftest as selftests
import rows
import lint
import series
import source
import verdict
from console import UserError, say
from paths import WORKBENCH, build_root
from process import adopt_orphans, kill_descendants

KERNEL = '7.3'
INTERRUPTED = 130


def _option(name, default=''):
    return os.environ.get(name) or default


def _debug():
    return _option('DEBUG') == '1'


def _tree():
    return source.tree_for(_option('KERNEL', KERNEL), _option('KDIR'))


def _target():
    target = _option('TARGET', 'um')
    if target not in build.TARGETS:
        raise UserError(f'TARGET={target}: one of {", ".join(build.TARGETS)} is wanted')
    return target


def _kernel(always=False):
    kernel = build.Kernel(_tree(), _target(), 'debug' if _debug() else '')
    build.build(kernel, always)
    return kernel


def measure():
    """Measure what a call of the device costs."""
    tree = _tree()
    kernels = [build.Kernel(tree, 'x86_64', 'bench'), build.Kernel(tree, 'um')]
    for kernel in kernels:
        build.build(kernel)
    return bench.run(*kernels)


def demo():
    """Walk through the device on a booted kernel."""
    kernel = _kernel()
    return guest.run(kernel, f'. {shlex.quote(str(WORKBENCH))}/guest/demo.sh', kernel.log('demo-boot'), timeout=60)


def kernel():
    """Build the kernel and say where it is."""
    built = _kernel(always=True)
    say(f'Linux {built.release()} for {built.name}: {built.out}')
    return 0


def _kunit():
    # kunit.py builds a um kernel of its own; what others are there for, it has not.
    if _debug() or _target() != 'um':
        return verdict.kunit_modules(_kernel())
    return verdict.kunit(_tree())


def kunit():
    """Run the KUnit suites."""
    return _finish(_kunit())


def kselftest():
    """Run the kselftests."""
    return _finish(selftests.run(_kernel(), _option('TEST').split()))


def test():
    """Run all tests."""
    built = _kernel()
    of_kunit = _kunit()
    of_kselftest = selftests.run(built)
    verdict.remember(built, of_kunit, of_kselftest)
    tally = of_kunit + of_kselftest
    if not built.debug:
        tally += debug.session(built)
    # Checkers leave no room for some of the tests that the table names.
    for problem in [] if built.debug else rows.check(tally.results, built.target):
        say(f'lkmdemo: {problem}')
        tally += verdict.Tally(failed=1)
    return _finish(tally)


def _finish(tally):
    print(tally, flush=True)
    return 1 if tally.failed or not tally.passed else 0


def run_in_guest():
    """Run a command in the guest."""
    command = _option('CMD')
    if not command:
        raise UserError("CMD is not set: make guest CMD='cat /dev/lkmdemo'")
    built = _kernel()
    return guest.run(built, command, built.log('guest-boot'), modules=build.driver_modules(built))


def shell():
    """Give a prompt in the guest."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UserError("make shell needs a terminal; without one: make guest CMD='...'")
    built = _kernel()
    say('The root is this machine\'s, changes go to memory; "exit" powers the guest off.')
    return guest.run(built, 'exec ${SHELL:-/bin/sh} -i', built.log('shell-boot'), timeout=None,
                     modules=build.driver_modules(built))


def debugger():
    """Give a debugger's prompt on the booted kernel."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UserError('make debug needs a terminal; without one: make debug-session')
    return debug.interactive(_kernel(), _option('CMD'))


def debugger_session():
    """Run a session of the debugger that checks itself."""
    return _finish(debug.session(_kernel()))


def graft_into():
    """Graft into a tree of the user's own."""
    tree = _own_tree()
    changed = graft.graft(tree)
    say(f'{tree}: {changed} files changed' if changed else f'{tree}: grafted already')
    return 0


def ungraft_from():
    """Take the driver out of a tree of the user's own."""
    tree = _own_tree()
    changed = graft.ungraft(tree)
    say(f'{tree}: {changed} files changed' if changed else f'{tree}: nothing was grafted here')
    return 0


def cut_series():
    """Cut the patch series."""
    for path in series.make(_tree(), _option('V', '1')):
        print(path)
    return 0


def check():
    """Run the checks that maintainers make."""
    return 1 if lint.lint(_tree(), _option('QUICK') == '1') else 0


def manual():
    """Build the manual as HTML."""
    tree = _tree()
    page, log = docs.build(tree)
    print(page)
    found = docs.warnings(tree, log)
    for line in found:
        say(line)
    return 1 if found else 0


def _own_tree():
    kdir = _option('KDIR')
    if not kdir:
        raise UserError('KDIR is not set: the kernel tree, as in KDIR=~/linux')
    return source.require_kernel_tree(kdir)


COMMANDS = {
    'bench': measure,
    'debug': debugger, 'debug-session': debugger_session,
    'demo': demo, 'docs': manual, 'graft': graft_into, 'guest': run_in_guest, 'kernel': kernel,
    'kselftest': kselftest, 'kunit': kunit, 'lint': check, 'series': cut_series, 'shell': shell,
    'test': test, 'ungraft': ungraft_from,
}


def _open_lock(command):
    """Open what a command has to itself: the tree that it changes, or this clone."""
    if command in (graft_into, ungraft_from):
        return os.open(_own_tree(), os.O_RDONLY)
    return os.open(build_root() / '.lock', os.O_WRONLY | os.O_CREAT, 0o666)


def _interrupt(*_):
    raise KeyboardInterrupt


def _open_standard_files():
    """Begin again with those open that were closed, or another file would pass for one."""
    closed = False
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            closed = True
    if closed:
        os.execv(sys.executable, sys.orig_argv)


def main():
    """Run one command; return its exit status."""
    _open_standard_files()
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        say(f'usage: python3 workbench {"|".join(sorted(COMMANDS))}')
        return 2
    for sig in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup it stays ignored.
        if signal.getsignal(sig) != signal.SIG_IGN:
            signal.signal(sig, _interrupt)
    adopt_orphans()
    try:
        command = COMMANDS[sys.argv[1]]
        # Held until this process ends.
        lock = _open_lock(command)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('waiting for another run here to end')
            fcntl.flock(lock, fcntl.LOCK_EX)
        return command()
    except UserError as error:
        say(f'lkmdemo: {error}')
        return 2
    except KeyboardInterrupt:
        say('interrupted; what was built so far is kept')
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:
        say(f'lkmdemo: {error}')
        return 2
    finally:
        kill_descendants()


if __name__ == '__main__':
    sys.exit(main())
