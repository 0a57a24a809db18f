# SPDX-License-Identifier: GPL-2.0-only
"""Run git. This module contains all calls of git by the workbench.

Each call names its repository, so that the environment cannot redirect it to
another one. Repositories of the user are only read.
"""

import os
import subprocess
import textwrap
from pathlib import Path

from host.console import UserError
from host.environment import environment


def _run(command: list, env: dict[str, str]) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              check=False)
    except FileNotFoundError:
        raise UserError('git is not installed') from None


def read(directory: Path, *arguments) -> subprocess.CompletedProcess:
    """Run a command of git that only reads, in the repository that contains a directory.

    The configuration of the user applies: it names ignored files and the identity
    of the user. The repository may belong to another user, as under sudo, so its
    configuration must not start a program.
    """
    env = environment(GIT_OPTIONAL_LOCKS='0')
    for name in ('GIT_CEILING_DIRECTORIES', 'GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM'):
        del env[name]
    return _run(['git', '-c', 'safe.directory=*', '-c', 'core.fsmonitor=false',
                 '-c', f'core.hooksPath={os.devnull}', '-C', directory, *map(str, arguments)], env)


def identity(directory: Path, purpose: str) -> tuple[str, str]:
    """Return the name and the address that git is configured with in a directory.

    purpose: why they are required, as a relative clause. Raises UserError if one is missing.
    """
    values = []
    for key in ('user.name', 'user.email'):
        value = read(directory, 'config', key).stdout.decode(errors='replace').strip()
        if not value:
            raise UserError(f"git has no {key}, {purpose}: git config --global {key} '...'")
        values.append(value)
    return values[0], values[1]


class Repository:
    """A repository that the workbench creates for its own use."""

    def __init__(self, directory: Path, author: tuple[str, str]):
        """Create the repository; author: the name and the address for commits."""
        self.directory = directory
        name, address = author
        self.env = environment(GIT_AUTHOR_NAME=name, GIT_AUTHOR_EMAIL=address,
                               GIT_COMMITTER_NAME=name, GIT_COMMITTER_EMAIL=address)
        directory.mkdir(parents=True, exist_ok=True)
        self.git('init', '-q', '-b', 'base')

    def git(self, *arguments) -> str:
        """Run git in the repository; return its output, or raise UserError if it fails."""
        result = _run(['git', f'--git-dir={self.directory}/.git', f'--work-tree={self.directory}',
                       '-C', self.directory, *map(str, arguments)], self.env)
        output = result.stdout.decode(errors='replace')
        if result.returncode:
            errors = result.stderr.decode(errors='replace') or output
            raise UserError(f'git {arguments[0]} failed:\n' + textwrap.indent(errors.strip(), '  '))
        return output
