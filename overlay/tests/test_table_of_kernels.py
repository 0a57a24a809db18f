# SPDX-License-Identifier: GPL-2.0-only
"""The table of kernels in the manual: as make check-kernels writes it, without a failure."""

import csv
import unittest

from cli import check_kernels
from host.paths import REPO

TABLE = REPO / 'Documentation/lkmdemo' / check_kernels.TABLE


class KernelsTest(unittest.TestCase):
    """Test the rows."""

    def setUp(self):
        with open(TABLE, encoding='utf-8', newline='') as file:
            self.rows = list(csv.DictReader(file))

    def test_each_row_is_one_of_the_command(self):
        known = {(row.kernel, row.tests) for row in check_kernels.rows('7.3')}
        self.assertLessEqual({(row['Kernel'], row['Tests']) for row in self.rows}, known)

    def test_no_row_has_a_failure(self):
        self.assertEqual([row['Kernel'] for row in self.rows if row['Failed'] != '0' or row['Passed'] == '0'], [])

    def test_each_skipped_case_has_a_reason(self):
        self.assertEqual([row['Kernel'] for row in self.rows if (row['Skipped'] != '0') != bool(row['Reasons'])], [])


if __name__ == '__main__':
    unittest.main()
