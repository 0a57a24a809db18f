# SPDX-License-Identifier: GPL-2.0-only
"""The tables of coverage in the manual: as make coverage writes them, and with the present reasons."""

import csv
import unittest

from host.paths import REPO
from subject.overlay import load
from verdict import coverage

PAGES = REPO / 'Documentation/lkmdemo'


def table(name: str) -> list[list[str]]:
    """Return the rows of a table in the manual, without its header."""
    with open(PAGES / name, encoding='utf-8', newline='') as file:
        return list(csv.reader(file))[1:]


class CoverageTest(unittest.TestCase):
    """Test the rows."""

    def test_each_source_file_has_a_row(self):
        files = {path for path in load(REPO).files if path.startswith('drivers/') and path.endswith('.c')}
        rows = {row[0] for row in table(coverage.FILES)}
        # A file of tables has no code.
        self.assertEqual(files - rows, {'drivers/misc/lkmdemo/netlink-gen.c'})
        self.assertEqual(rows - files, {'all files'})

    def test_branches_are_those_with_a_reason(self):
        self.assertEqual([tuple(row) for row in table(coverage.BRANCHES)],
                         coverage.branch_rows(coverage.load_reasons(load(REPO))))

    def test_each_reason_names_a_line_that_exists(self):
        for place in coverage.load_reasons(load(REPO)):
            with self.subTest(place.line):
                lines = (REPO / place.file).read_text(encoding='utf-8').splitlines()
                self.assertIn(place.line, [line.strip() for line in lines])


if __name__ == '__main__':
    unittest.main()
