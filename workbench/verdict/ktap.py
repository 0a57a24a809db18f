# SPDX-License-Identifier: GPL-2.0-only
"""Read KTAP: the cases in what a test prints.

Whatever the plan of a group says that the group does not have is a failed case,
so that a test that ends too early never passes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

_HEADER = re.compile(r'( *)(?:KTAP version 1|TAP version 1[34])$')
_PLAN = re.compile(r'( *)1\.\.(\d+)(?: *#.*)?$')
_RESULT = re.compile(r'( *)(not )?ok(?: \d+)?(?: -)?(?: (?!# )(.*?))??(?: # (.*))?$')

# Lines of a test that say why it has failed.
_REASON = re.compile(r'Expected |EXPECTATION FAILED|ASSERTION FAILED|\S+\.(?:c|h|sh):\d+: *\S')

UNFINISHED = 'has no result'
NO_CASES = 'has no case'


class Case(NamedTuple):
    """path: the names that lead to it, its own last. result: passed, failed or skipped.

    reason: why it failed or was skipped, '' if that is not known.
    """
    path: tuple[str, ...]
    result: str
    reason: str = ''


@dataclass
class _Result:
    """A line with a result, and what is nested before it, if anything is."""
    name: str
    failed: bool
    skipped: bool
    group: Optional['_Group']
    reason: str = ''


@dataclass
class _Group:
    """What stands at one indentation, as far as it has been read."""
    indent: int
    plan: Optional[int] = None
    results: list[_Result] = field(default_factory=list)


def _close(groups: list[_Group], indent: int) -> Optional[_Group]:
    """Remove the groups that are indented further; return the outermost, None if there is none.

    Each of them is a result of the one around it, without a line that says so.
    """
    group = None
    while groups[-1].indent > indent:
        inner, group = group, groups.pop()
        if inner:
            group.results.append(_Result(UNFINISHED, True, False, inner))
    return group


def _read(lines: Iterable[str], plan: Optional[int]) -> _Group:
    groups = [_Group(0, plan)]
    said: list[str] = []
    for line in lines:
        match = _HEADER.match(line) or _PLAN.match(line) or _RESULT.match(line)
        if not match:
            if _REASON.search(line):
                said.append(line.strip().lstrip('# '))
            continue
        indent = len(match[1])
        inner = _close(groups, indent) if match.re is _RESULT else None
        if groups[-1].indent < indent:
            groups.append(_Group(indent))
        if match.re is _PLAN:
            groups[-1].plan = int(match[2])
        elif match.re is _RESULT:
            directive = match[4] or ''
            skipped = directive.upper().startswith('SKIP')
            reason = directive[4:].strip() if skipped else directive
            if match[2] and not inner:
                reason = ', '.join(filter(None, [*said[:2], reason]))
            groups[-1].results.append(_Result((match[3] or '').strip(), bool(match[2]), skipped, inner, reason))
            said = []
    lost = _close(groups, 0)
    if lost:
        groups[0].results.append(_Result(UNFINISHED, True, False, lost))
    return groups[0]


def _cases(group: _Group, path: tuple[str, ...], reason: str = '') -> Iterator[Case]:
    for result in group.results:
        whole = (*path, result.name)
        if result.group and (result.group.results or not result.skipped):
            inner = list(_cases(result.group, whole, result.reason))
            yield from inner
            if not result.failed or any(case.result == 'failed' for case in inner):
                continue
        outcome = 'failed' if result.failed else 'skipped' if result.skipped else 'passed'
        yield Case(whole, outcome, result.reason)
    if group.plan is not None and group.plan != len(group.results):
        yield Case((*path, f'{len(group.results)} of {group.plan} have a result'), 'failed', reason)
    elif not group.results:
        yield Case((*path, NO_CASES), 'failed', reason)


def cases(lines: Iterable[str], plan: Optional[int] = None) -> list[Case]:
    """The cases in the lines of a KTAP document.

    plan: how many results it must have at its top, where it does not say so itself.
    """
    return list(_cases(_read(lines, plan), ()))
