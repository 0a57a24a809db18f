# SPDX-License-Identifier: GPL-2.0-only
"""Run a command: check its options, install its packages, acquire its lock, call its function."""

import os
import subprocess
import sys
from pathlib import Path

from cli import clean, commands
from cli.options import COMMANDS, OF_OVERLAY, Options, from_arguments, from_make, packages, parse
from host import guard, lock
from host.console import UserError, say
from host.environment import INHERITED, environment
from host.paths import WORKBENCH, build_root, make_scratch
from host.process import kill_descendants
from kernel import build, source
from subject import subject

FAILED = 2
INTERRUPTED = 130

# Commands that can run in parallel with others, or that acquire a lock themselves.
UNLOCKED = ('check', 'clean', 'help', 'setup', 'watch')


def _install(targets):
    """Install the missing packages of targets of setup.sh; return whether it succeeded."""
    with lock.held(WORKBENCH / 'host/packages'):
        child = subprocess.Popen([WORKBENCH / 'host/setup.sh', *targets], env=environment())
        try:
            return child.wait() == 0
        except KeyboardInterrupt:
            # The script ends after dpkg, which must not be interrupted.
            child.terminate()
            child.wait()
            raise


def _lock(command, options):
    """Acquire the lock of a command: on the tree that it changes, or on this clone."""
    if command in ('graft', 'ungraft'):
        return lock.acquire(source.require_kernel_tree(options.kdir))
    return lock.acquire(build_root() / clean.LOCK)


def _work(command, options):
    """Run a command in the worker process of the guard; return its exit status."""
    try:
        guard.accept_signals()
        targets = packages(command, options, _packages_of_overlay(command, options))
        if targets is not None and not _install(targets):
            return FAILED
        if command not in UNLOCKED:
            # The lock is held until this process ends.
            _lock(command, options)
        function = commands.FUNCTIONS.get(command) or commands.of_overlay(command, options)
        return function(options)
    except (UserError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Without this, the flush of stdout at exit would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 1
        say(f'workbench: {error}')
        return FAILED
    except KeyboardInterrupt:
        say('interrupted; the build output is kept')
        return INTERRUPTED
    finally:
        kill_descendants()


def _open_standard_files():
    """Open closed standard files and start again, so that no other file gets their descriptors."""
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
    """Return the directories in the last OVERLAY= of some assignments, none without it."""
    named = [value for name, _, value in (assignment.partition('=') for assignment in assignments)
             if name == 'OVERLAY']
    return tuple(named[-1].split(':')) if named and named[-1] else ()


def _further_commands(assignments: list[str]) -> dict[str, str]:
    """Map the names of the commands of the overlay to their help texts."""
    return subject.load(_overlays(assignments)).main.description.commands


def _packages_of_overlay(command: str, options: Options) -> str:
    """Return the targets of setup.sh that the overlay names for one of its commands, '' for none."""
    return '' if command in COMMANDS else subject.load(options.overlay).main.description.packages.get(command, '')


def _request(arguments: list[str]) -> tuple[str, Options]:
    """Return the command and its options.

    With the arguments COMMAND --make PID NAMES, the options are on the command line of the
    make with that PID. NAMES are its variables from command lines. Options after these are
    those that a Makefile adds, for the commands that accept them.
    """
    if arguments[1:2] == ['--make']:
        command, _, pid, names, *added = arguments
        words = Path(f'/proc/{pid}/cmdline').read_bytes().decode(errors='surrogateescape').split('\0')
        typed = from_make(names.split(), words[:-1])
        further = {} if command in COMMANDS else _further_commands([*added, *typed])
        taken = COMMANDS.get(command, OF_OVERLAY).options
        assignments = [*(option for option in added if option.partition('=')[0] in taken), *typed]
    else:
        known = arguments and arguments[0] in COMMANDS
        further = {} if known else _further_commands(arguments[1:])
        command, assignments = from_arguments(arguments, further)
        if not command:
            raise UserError('a command is missing; python3 workbench --help lists the commands')
    return command, parse(command, assignments, tuple(further))


def main() -> int:
    """Run the command of the command line; return its exit status."""
    _open_standard_files()
    try:
        command, options = _request(sys.argv[1:])
        # Children that are started without environment() inherit listed variables only, too.
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
