# SPDX-License-Identifier: GPL-2.0-only
"""Run one command: check its options, install what it requires, lock, call its function."""

import os
import subprocess
import sys
from pathlib import Path

from cli import clean, commands
from cli.options import from_make, packages, parse
from host import guard, lock
from host.console import UserError, say
from host.environment import INHERITED, environment
from host.paths import WORKBENCH, build_root, make_scratch
from host.process import kill_descendants
from kernel import source

FAILED = 2
INTERRUPTED = 130

# Commands that others may run beside, or that take a lock themselves.
UNLOCKED = ('check', 'clean', 'help', 'setup')


def _install(targets):
    """Install what is missing of the packages for these targets; return whether that is done."""
    with lock.held(WORKBENCH / 'host/packages'):
        child = subprocess.Popen([WORKBENCH / 'host/setup.sh', *targets], env=environment())
        try:
            return child.wait() == 0
        except KeyboardInterrupt:
            # dpkg must not be cut off: set-up ends when it may.
            child.terminate()
            child.wait()
            raise


def _lock(command, options):
    """Lock what a command has to itself: the tree that it changes, or this clone."""
    if command in ('graft', 'ungraft'):
        return lock.acquire(source.require_kernel_tree(options.kdir))
    return lock.acquire(build_root() / clean.LOCK)


def _work(command, options):
    """Run one command in the guarded process; return its exit status."""
    try:
        guard.accept_signals()
        targets = packages(command, options)
        if targets is not None and not _install(targets):
            return FAILED
        if command not in UNLOCKED:
            # Held until this process ends.
            _lock(command, options)
        return commands.FUNCTIONS[command](options)
    except (UserError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Nobody reads our output any more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 1
        say(f'lkmdemo: {error}')
        return FAILED
    except KeyboardInterrupt:
        say('interrupted; what was built so far is kept')
        return INTERRUPTED
    finally:
        kill_descendants()


def _open_standard_files():
    """Start again with those open that were closed, or another file would take their place."""
    closed = False
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            closed = True
    if closed:
        os.execv(sys.executable, sys.orig_argv)


def _assignments(arguments):
    """The options in our arguments, or in those of the make that started us.

    That make is named by "--make PID NAMES", with the variables that it has from
    a command line.
    """
    if arguments[:1] != ['--make']:
        return arguments
    _, pid, names = arguments
    words = Path(f'/proc/{pid}/cmdline').read_bytes().decode(errors='surrogateescape').split('\0')
    return from_make(names.split(), words[:-1])


def main():
    """Run one command; return its exit status."""
    _open_standard_files()
    command, *arguments = sys.argv[1:] or ['']
    if not command:
        say('usage: python3 workbench COMMAND [NAME=value ...]; the command help lists them')
        return FAILED
    try:
        options = parse(command, _assignments(arguments))
        # Nothing else in it has an effect, not even where a call names no environment.
        for name in {*os.environ} - {*INHERITED}:
            del os.environ[name]
        if command == 'help':
            return commands.show_help(options)
        scratch = make_scratch()
    except (UserError, OSError) as error:
        say(f'lkmdemo: {error}')
        return FAILED
    return guard.run(lambda: _work(command, options), scratch)
