# SPDX-License-Identifier: GPL-2.0-only
"""The environment of child processes: inherited variables and those of the workbench."""

import os

from host.paths import HOME, REPO, WORKBENCH


def _names(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith('#')]


INHERITED = _names((WORKBENCH / 'host/variables').read_text(encoding='utf-8'))


def environment(**extra: str) -> dict[str, str]:
    """Return the environment for a child process.

    It contains the variables that the file "variables" names, and extra. LANG is not
    among them: ccache distinguishes compilations by it even where LC_ALL overrides it.
    """
    env = {name: os.environ[name] for name in INHERITED if name in os.environ}
    env.update(
        LC_ALL='C',
        # checkpatch requires it.
        HOME=str(HOME),
        # Scripts of the kernel tree call git. The tree is not a repository, and they
        # must not find the one above it.
        GIT_CEILING_DIRECTORIES=str((REPO / 'build').resolve()),
        GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull)
    env.update(extra)
    return env
