# SPDX-License-Identifier: GPL-2.0-only
"""Reports in a kernel log: the lines that fail a run, whatever its tests say."""

import re
from pathlib import Path

# A line of the kernel log like these begins a report.
REPORT = re.compile(
    r'-{8,}\[ cut here \]|\bBUG\b|\bWARNING:|\bOops\b|Kernel panic|Kernel mode fault|\bKASAN\b|\bUBSAN\b|\bKCSAN\b'
    r'|\bKFENCE: |kmemleak: [0-9]+ new|INFO: (task|rcu|possible|trying)|possible recursive locking'
    r'|possible circular locking|suspicious RCU usage|inconsistent lock state|general protection'
    r'|lock debugging is off|[Uu]nable to handle|refcount_t:|ODEBUG:|stack-protector:|hard LOCKUP|nobody cared'
    r'|workbench: guest: cannot|KVM internal error')

# Whatever is judged, this is the end of a kernel.
_DEATH = re.compile(r'Kernel panic|Kernel mode fault|\bOops\b|KVM internal error')

# How much of the log is shown with a report: its head, not the whole call trace.
CONTEXT_LINES = 25


class Scanner:
    """Finds the first report in a kernel log, also while the log grows.

    begin: a pattern; reports before the first line that it matches are ignored,
    unless that line never comes or the kernel dies before it.
    """

    def __init__(self, begin: str):
        self._begin = re.compile(begin)
        self._begun = False
        self._rest = b''
        self._before: list[str] = []
        self._report: list[str] = []

    def feed(self, data: bytes) -> None:
        """Take the next piece of the log."""
        *lines, self._rest = (self._rest + data).split(b'\n')
        for line in lines:
            self._take(line.decode(errors='replace').replace('\r', ''))

    def _take(self, line: str) -> None:
        if self._report:
            self._report.append(line)
            del self._report[CONTEXT_LINES:]
        elif not self._begun and self._begin.search(line):
            self._begun = True
            self._before = []
        elif (REPORT if self._begun else _DEATH).search(line):
            self._report.append(line)
        elif not self._begun and (self._before or REPORT.search(line)):
            self._before = (self._before + [line])[:CONTEXT_LINES]

    @property
    def begun(self) -> bool:
        """Whether the line from which on reports count has come."""
        return self._begun

    @property
    def found(self) -> bool:
        """Whether there is a report that needs no further line to be one."""
        return bool(self._report)

    def report(self) -> list[str]:
        """The lines from the report on, or none; the log has ended."""
        if self._rest:
            self._take(self._rest.decode(errors='replace').replace('\r', ''))
            self._rest = b''
        return self._report or ([] if self._begun else self._before)


def find(log: Path, begin: str) -> list[str]:
    """The lines from the first report on in a whole log, or none."""
    scanner = Scanner(begin)
    scanner.feed(log.read_bytes())
    return scanner.report()
