# SPDX-License-Identifier: GPL-2.0-only
"""Find reports in a kernel log; a report fails a run even if its tests pass."""

import re
from pathlib import Path

# The first line of a report.
REPORT = re.compile(
    r'-{8,}\[ cut here \]|\bBUG\b|\bWARNING:|\bOops\b|Kernel panic|Kernel mode fault|\bKASAN\b|\bUBSAN\b|\bKCSAN\b'
    r'|\bKFENCE: |kmemleak: [0-9]+ new|INFO: (task|rcu|possible|trying)|possible recursive locking'
    r'|possible circular locking|suspicious RCU usage|inconsistent lock state|general protection'
    r'|lock debugging is off|[Uu]nable to handle|refcount_t:|ODEBUG:|stack-protector:|hard LOCKUP|nobody cared'
    r'|init suspiciously returned|trace_printk\(\) being used|workbench: guest: cannot|KVM internal error')

# The first line of a report after which a kernel cannot continue.
DEATH = re.compile(r'Kernel panic|Kernel mode fault|\bOops\b|KVM internal error')

# The number of lines of a report that are printed.
CONTEXT_LINES = 25


class Scanner:
    """Finds the first report in a kernel log while the log grows.

    begin: a pattern. Reports before the first line that matches it are ignored, unless
    no line matches or the kernel dies before.
    """

    def __init__(self, begin: str):
        self._begin = re.compile(begin)
        self._has_begun = False
        self._partial_line = b''
        self._early_report: list[str] = []
        self._report: list[str] = []

    def feed(self, data: bytes) -> None:
        """Process the next data of the log."""
        *lines, self._partial_line = (self._partial_line + data).split(b'\n')
        for line in lines:
            self._process_line(line.decode(errors='replace').replace('\r', ''))

    def _process_line(self, line: str) -> None:
        if self._report:
            self._report.append(line)
            del self._report[CONTEXT_LINES:]
        elif not self._has_begun and self._begin.search(line):
            self._has_begun = True
            self._early_report = []
        elif (REPORT if self._has_begun else DEATH).search(line):
            self._report.append(line)
        elif not self._has_begun and (self._early_report or REPORT.search(line)):
            self._early_report = (self._early_report + [line])[:CONTEXT_LINES]

    @property
    def has_begun(self) -> bool:
        """Return whether a line has matched begin."""
        return self._has_begun

    @property
    def has_report(self) -> bool:
        """Return whether a report was found that is not ignored, whatever follows."""
        return bool(self._report)

    def report(self) -> list[str]:
        """Return the first lines of the report, none without a report; call it at the end of the log."""
        if self._partial_line:
            self._process_line(self._partial_line.decode(errors='replace').replace('\r', ''))
            self._partial_line = b''
        return self._report or ([] if self._has_begun else self._early_report)


def find(log: Path, begin: str) -> list[str]:
    """Return the first lines of the first report in a complete log, none without a report."""
    scanner = Scanner(begin)
    scanner.feed(log.read_bytes())
    return scanner.report()
