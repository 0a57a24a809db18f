# SPDX-License-Identifier: GPL-2.0-only
"""Run one command: check its options, install what it requires, lock, call its function."""

import os
import subprocess
import sys
from pathlib import Path

from cli import clean, commands
from cli.options import COMMANDS, Options, from_arguments, from_make, packages, parse
from host import guard, lock
from host.console import UserError, say
from host.environment import INHERITED, environment
from host.paths import WORKBENCH, build_root, make_scratch
from host.process import kill_descendants
from kernel import build, source
from subject import subject

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
        function = commands.FUNCTIONS.get(command) or commands.of_overlay(command, options)
        return function(options)
    except (UserError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Nobody reads our output any more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 1
        say(f'workbench: {error}')
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


def _overlays(assignments: list[str]) -> tuple[str, ...]:
    """Return the directories of overlays that are named in some assignments."""
    named = [value for name, _, value in (assignment.partition('=') for assignment in assignments)
             if name == 'OVERLAY']
    return tuple(named[-1].split(':')) if named and named[-1] else ()


def _further_commands(assignments: list[str]) -> dict[str, str]:
    """Return the commands of the overlay, and what they do."""
    return subject.load(_overlays(assignments)).main.description.commands


def _request(arguments: list[str]) -> tuple[str, Options]:
    """Return the command and its options.

    "COMMAND --make PID NAMES" names the make that started us, with the variables that
    it has from a command line.
    """
    if arguments[1:2] == ['--make']:
        command, _, pid, names = arguments
        words = Path(f'/proc/{pid}/cmdline').read_bytes().decode(errors='surrogateescape').split('\0')
        assignments = from_make(names.split(), words[:-1])
        further = {} if command in COMMANDS else _further_commands(assignments)
    else:
        known = arguments and arguments[0] in COMMANDS
        further = {} if known else _further_commands(arguments[1:])
        command, assignments = from_arguments(arguments, further)
        if not command:
            raise UserError('a command is missing; python3 workbench --help lists them')
    return command, parse(command, assignments, tuple(further))


def main() -> int:
    """Run one command; return its exit status."""
    _open_standard_files()
    try:
        command, options = _request(sys.argv[1:])
        # Nothing else in it has an effect, not even where a call names no environment.
        for name in {*os.environ} - {*INHERITED}:
            del os.environ[name]
        if command == 'help':
            return commands.show_help(options)
        if options.jobs:
            build.JOBS = options.jobs
        scratch = make_scratch()
    except (UserError, OSError) as error:
        say(f'workbench: {error}')
        return FAILED
    return guard.run(lambda: _work(command, options), scratch)
