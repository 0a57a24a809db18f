# SPDX-License-Identifier: GPL-2.0-only
"""Read the cases in KTAP output.

A result that the plan of a group promises and that is missing is a failed case, so that a
test that ends too early does not pass.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

_HEADER = re.compile(r'( *)(?:KTAP version 1|TAP version 1[34])$')
_PLAN = re.compile(r'( *)1\.\.(\d+)(?: *#.*)?$')
_RESULT = re.compile(r'( *)(not )?ok(?: \d+)?(?: -)?(?: (?!# )(.*?))??(?: # (.*))?$')

# Lines that give the reason of a failure.
_REASON = re.compile(r'Expected |EXPECTATION FAILED|ASSERTION FAILED|\S+\.(?:c|h|sh):\d+: *\S')

UNFINISHED = 'has no result'
NO_CASES = 'has no case'


class Case(NamedTuple):
    """A result of a test.

    path: the names of its groups and its own name. result: passed, failed or skipped.
    reason: why it failed or was skipped, '' if unknown.
    """
    path: tuple[str, ...]
    result: str
    reason: str = ''


@dataclass
class _Result:
    """A line with a result, and the group that is nested before it, if there is one."""
    name: str
    failed: bool
    skipped: bool
    group: Optional['_Group']
    reason: str = ''


@dataclass
class _Group:
    """The results at one indentation that have been read so far."""
    indent: int
    plan: Optional[int] = None
    results: list[_Result] = field(default_factory=list)


def _close(groups: list[_Group], indent: int) -> Optional[_Group]:
    """Remove the groups that are indented further; return the outermost of them, None if there is none.

    The others become results without a line of the groups around them.
    """
    group = None
    while groups[-1].indent > indent:
        inner, group = group, groups.pop()
        if inner:
            group.results.append(_Result(UNFINISHED, True, False, inner))
    return group


def _read(lines: Iterable[str], plan: Optional[int]) -> _Group:
    groups = [_Group(0, plan)]
    reasons: list[str] = []
    for line in lines:
        match = _HEADER.match(line) or _PLAN.match(line) or _RESULT.match(line)
        if not match:
            if _REASON.search(line):
                reasons.append(line.strip().lstrip('# '))
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
                reason = ', '.join(filter(None, [*reasons[:2], reason]))
            groups[-1].results.append(_Result((match[3] or '').strip(), bool(match[2]), skipped, inner, reason))
            reasons = []
    unfinished = _close(groups, 0)
    if unfinished:
        groups[0].results.append(_Result(UNFINISHED, True, False, unfinished))
    return groups[0]


def _cases(group: _Group, path: tuple[str, ...], reason: str = '') -> Iterator[Case]:
    for result in group.results:
        result_path = (*path, result.name)
        if result.group and (result.group.results or not result.skipped):
            inner = list(_cases(result.group, result_path, result.reason))
            yield from inner
            if not result.failed or any(case.result == 'failed' for case in inner):
                continue
        outcome = 'failed' if result.failed else 'skipped' if result.skipped else 'passed'
        yield Case(result_path, outcome, result.reason)
    if group.plan is not None and group.plan != len(group.results):
        yield Case((*path, f'{len(group.results)} of {group.plan} have a result'), 'failed', reason)
    elif not group.results:
        yield Case((*path, NO_CASES), 'failed', reason)


def cases(lines: Iterable[str], plan: Optional[int] = None) -> list[Case]:
    """Return the cases in the lines of a KTAP document.

    plan: the number of results at the top level, if the document has no plan there.
    """
    return list(_cases(_read(lines, plan), ()))
