# SPDX-License-Identifier: GPL-2.0-only
"""Find the interfaces that changed since a module was written, in the output of its build."""

import functools
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from host.paths import WORKBENCH

# What gcc, modpost and make report, each in one line.
_PROBLEM = re.compile(r'\b(?:error|warning): |^(?:ERROR|WARNING): |\*\*\* ')

# What gcc prints below a problem: the source, and the macros around it.
_EXCERPT = re.compile(r' *\d* \|')
_EXPANSION = re.compile(r': note: in expansion of macro ')

# The file that is compiled or linked. A header may have the problem.
_SOURCE = re.compile(r'(?:^|\bfrom |\[| in |modpost: )(\S+\.(?:c|o|ko))(?=[:,\]]|$)'
                     r'|modpost: (\S+): section mismatch')


@dataclass(frozen=True)
class Hint:
    """A change of an interface, as hints.toml describes it.

    name: also the name of the file that provokes it, in tests/data/hints/.
    pattern: a regular expression, searched in each line that a problem consists of.
    change: a sentence. code: one line that is right today.
    since: the release of the change; '' if no single release made it.
    pitfall: the page of the manual that explains it; '' if none does.
    """
    name: str
    pattern: str
    change: str
    code: str
    since: str = ''
    pitfall: str = ''


# The hints for a module that is older than the kernel, and for one that is newer.
CHANGED, INTRODUCED = 'hints.toml', 'introduced.toml'


@functools.cache
def load(name: str = CHANGED) -> tuple[Hint, ...]:
    """Return the hints of a file, in its order."""
    table = tomllib.loads((WORKBENCH / 'trial' / name).read_text(encoding='utf-8'))
    return tuple(Hint(**entry) for entry in table['hint'])


def problems(lines: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return the file of each problem in the output of a build, and the lines that the problem consists of.

    These are the message, its excerpt of the source and the macros that it is in;
    a note, and the excerpt of a note, are no part of it.
    """
    found: list[tuple[str, list[str]]] = []
    source, follows = '', False
    for line in lines:
        if _EXCERPT.match(line):
            if follows:
                found[-1][1].append(line)
            continue
        match = _SOURCE.search(line)
        source = match[1] or match[2] if match else source
        follows = bool(_PROBLEM.search(line))
        if follows:
            found.append((source, [line]))
        elif found and _EXPANSION.search(line):
            found[-1][1].append(line)
    return found


def by_source(lines: Iterable[str], name: str = CHANGED) -> dict[str, dict[Hint, str]]:
    """Map the files of a build to their hints, each with the first message that it explains.

    lines: the output of the build. name: the file with the hints. A file has the path that
    gcc or modpost prints. A problem has the first hint of the table that matches.
    """
    found: dict[str, dict[Hint, str]] = {}
    for source, problem in problems(lines):
        for hint in load(name):
            if any(re.search(hint.pattern, line) for line in problem):
                found.setdefault(source, {}).setdefault(hint, problem[0])
                break
    return found


def find(lines: Iterable[str], name: str = CHANGED) -> list[tuple[Hint, str]]:
    """Return the hints for the output of a build, each once for a file, with its first message.

    name: the file with the hints.
    """
    return [pair for hints in by_source(lines, name).values() for pair in hints.items()]
