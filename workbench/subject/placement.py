# SPDX-License-Identifier: GPL-2.0-only
"""The lines that files of the kernel require for an overlay, and their places.

The place is found by the lines that are there, so that a rule holds for any
kernel version.
"""

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from host.console import UserError
from subject.overlay import SELFTESTS, Overlay

LAST, BEFORE, SORTED = 'last', 'before', 'sorted'

# The column of "+=" in the Makefiles of drivers.
_COLUMN = 32
_TAB = 8


class Rule(NamedTuple):
    """Lines to add to a file of the kernel.

    The place is found among the lines that match a pattern: behind the LAST of
    them; BEFORE the first; or, for a SORTED list whose pattern has a group,
    before the entry that follows the nearest smaller one.
    """
    path: str
    lines: str
    among: str
    place: str


def _makefile_line(overlay: Overlay, directory: str, aligned: bool) -> str:
    symbols = overlay.symbols(directory)
    start = f'obj-$(CONFIG_{symbols[0]})' if len(symbols) == 1 else 'obj-y'
    tabs = max(1, (_COLUMN - len(start) + _TAB - 1) // _TAB)
    gap = '\t' * tabs if aligned else ' '
    return f'{start}{gap}+= {PurePosixPath(directory).name}/\n'


def _for_directory(overlay: Overlay, directory: str) -> list[Rule]:
    """Return the rules for a directory with a Kconfig file: its parent has to enter it."""
    parent = str(PurePosixPath(directory).parent)
    source = f'source "{directory}/Kconfig"\n'
    if parent == 'lib':
        # Tests are in a menu of their own, and lib/Makefile is not sorted.
        return [Rule('lib/Kconfig.debug', f'{source}\n', r'endif # RUNTIME_TESTING_MENU$', BEFORE),
                Rule('lib/Makefile', _makefile_line(overlay, directory, aligned=False), r'obj-y \+= .*/$', LAST)]
    return [Rule(f'{parent}/Kconfig', source, rf'source "{re.escape(parent)}/([^/]+)/', SORTED),
            Rule(f'{parent}/Makefile', _makefile_line(overlay, directory, aligned=True),
                 r'obj-\S+\s*\+= (\S+)/$', SORTED)]


def rules(overlay: Overlay) -> tuple[Rule, ...]:
    """Return all rules of an overlay, in the order of their paths."""
    found = []
    for insertion in overlay.about.insert:
        place = LAST if insertion.after else BEFORE if insertion.before else SORTED
        among = insertion.after or insertion.before or insertion.sorted
        found.append(Rule(insertion.file, insertion.lines, among, place))
    for directory in overlay.directories:
        found += _for_directory(overlay, directory)
    # Targets that the tree contains have their line.
    for target in overlay.targets:
        if f'{SELFTESTS}/{target}/Makefile' in overlay.files:
            found.append(Rule(f'{SELFTESTS}/Makefile', f'TARGETS += {target}\n', r'TARGETS \+= (\S+)$', SORTED))
    if overlay.maintainers:
        found.append(Rule('MAINTAINERS', overlay.maintainers, r'([A-Z0-9][^\t]*)$', SORTED))
    return tuple(sorted(_merged(found)))


def _merged(found: list[Rule]) -> list[Rule]:
    """Return the rules with one for each path; raise UserError where two have different places."""
    merged: dict[str, Rule] = {}
    for rule in found:
        other = merged.get(rule.path)
        if other and (other.among, other.place) != (rule.among, rule.place):
            raise UserError(f'{rule.path} requires lines at two places: an overlay may have one place in a file')
        merged[rule.path] = rule._replace(lines=other.lines + rule.lines) if other else rule
    return list(merged.values())
