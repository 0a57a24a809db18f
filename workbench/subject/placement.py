# SPDX-License-Identifier: GPL-2.0-only
"""The lines that an overlay adds to files of the kernel, and their places.

A place is given by existing lines, so that a rule applies to any kernel version.
"""

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from host.console import UserError
from subject.overlay import SELFTESTS, Overlay

LAST, BEFORE, SORTED = 'last', 'before', 'sorted'

# The column of "+=" in the Makefiles below drivers/.
_COLUMN = 32
_TAB = 8


class Rule(NamedTuple):
    """Lines to add to a file of the kernel.

    pattern: matches the lines that determine the place. place: LAST, after the last
    of them; BEFORE, before the first; SORTED, before the entry that follows the
    nearest smaller one by the first group of the pattern.
    """
    path: str
    lines: str
    pattern: str
    place: str


def _makefile_line(overlay: Overlay, directory: str, aligned: bool) -> str:
    symbols = overlay.symbols(directory)
    start = f'obj-$(CONFIG_{symbols[0]})' if len(symbols) == 1 else 'obj-y'
    tabs = max(1, (_COLUMN - len(start) + _TAB - 1) // _TAB)
    gap = '\t' * tabs if aligned else ' '
    return f'{start}{gap}+= {PurePosixPath(directory).name}/\n'


def _for_directory(overlay: Overlay, directory: str) -> list[Rule]:
    """Return the rules for the Kconfig and the Makefile above a directory with a Kconfig file."""
    parent = str(PurePosixPath(directory).parent)
    source = f'source "{directory}/Kconfig"\n'
    if parent == 'lib':
        # Tests have their own menu, and lib/Makefile is not sorted.
        return [Rule('lib/Kconfig.debug', f'{source}\n', r'endif # RUNTIME_TESTING_MENU$', BEFORE),
                Rule('lib/Makefile', _makefile_line(overlay, directory, aligned=False), r'obj-y \+= .*/$', LAST)]
    return [Rule(f'{parent}/Kconfig', source, rf'source "{re.escape(parent)}/([^/]+)/', SORTED),
            Rule(f'{parent}/Makefile', _makefile_line(overlay, directory, aligned=True),
                 r'obj-\S+\s*\+= (\S+)/$', SORTED)]


def for_maintainers(entry: str) -> Rule:
    """Return the rule for an entry of MAINTAINERS, which ends with an empty line."""
    return Rule('MAINTAINERS', entry, r'([A-Z0-9][^\t]*)$', SORTED)


def rules(overlay: Overlay) -> tuple[Rule, ...]:
    """Return all rules of an overlay, sorted by path."""
    found = []
    for insertion in overlay.description.insert:
        place = LAST if insertion.after else BEFORE if insertion.before else SORTED
        pattern = insertion.after or insertion.before or insertion.sorted
        found.append(Rule(insertion.file, insertion.lines, pattern, place))
    for directory in overlay.directories:
        found += _for_directory(overlay, directory)
    # The tree already has the lines of targets that it contains.
    for target in overlay.targets:
        if f'{SELFTESTS}/{target}/Makefile' in overlay.files:
            found.append(Rule(f'{SELFTESTS}/Makefile', f'TARGETS += {target}\n', r'TARGETS \+= (\S+)$', SORTED))
    if overlay.maintainers:
        found.append(for_maintainers(overlay.maintainers))
    return tuple(sorted(_merged(found)))


def _merged(found: list[Rule]) -> list[Rule]:
    """Merge the rules of each path; raise UserError if they have different places."""
    merged: dict[str, Rule] = {}
    for rule in found:
        other = merged.get(rule.path)
        if other and (other.pattern, other.place) != (rule.pattern, rule.place):
            raise UserError(f'the overlay adds lines at two places of {rule.path}: only one place is supported')
        merged[rule.path] = rule._replace(lines=other.lines + rule.lines) if other else rule
    return list(merged.values())
