# SPDX-License-Identifier: GPL-2.0-only
"""The table of the rows: what it must say, and what a run must have shown."""

import unittest

import rows

ROW = """\
   * - {row}
     - what the literature shows
     - where it is here
     - {tests}
"""

PASSED = {'kselftest a: one.two': 'passed', 'KUnit suite.case': 'passed'}


def table(**tests):
    """A table in which each row that is not open names a test that passes."""
    return ''.join(ROW.format(row=row, tests=tests.get(
        row, '' if row in rows.OPEN else '``KUnit suite.case``')) for row in rows.ROWS)


class RowsTest(unittest.TestCase):
    """What is found wrong."""

    def problems(self, text, results=None, target='um'):
        return rows.problems(text, PASSED if results is None else results, target)

    def test_a_table_whose_tests_pass_is_right(self):
        self.assertEqual(self.problems(table(R01='``kselftest a: one.two``')), [])

    def test_a_test_that_was_renamed_is_found(self):
        self.assertEqual(self.problems(table(R01='``kselftest a: one.three``')),
                         ['R01: kselftest a: one.three: did not run'])

    def test_a_test_that_failed_is_found(self):
        self.assertEqual(self.problems(table(R01='``kselftest a: one.two``'),
                                       {**PASSED, 'kselftest a: one.two': 'failed'}),
                         ['R01: kselftest a: one.two: failed'])

    def test_a_test_that_was_skipped_is_found(self):
        self.assertEqual(self.problems(table(R01='``kselftest a: one.two``'),
                                       {**PASSED, 'kselftest a: one.two': 'skipped'}),
                         ['R01: kselftest a: one.two: skipped'])

    def test_each_of_several_tests_must_have_passed(self):
        self.assertEqual(len(self.problems(table(R01='``KUnit suite.case``, ``KUnit suite.no``'))), 1)

    def test_each_variant_must_have_passed(self):
        text = table(R01='``kselftest a: one.*.two``')
        variants = {'kselftest a: one.x.two': 'passed', 'kselftest a: one.y.two': 'passed'}
        self.assertEqual(self.problems(text, {**PASSED, **variants}), [])
        variants['kselftest a: one.y.two'] = 'failed'
        self.assertEqual(self.problems(text, {**PASSED, **variants}),
                         ['R01: kselftest a: one.*.two: failed and passed'])

    def test_a_test_of_another_target_need_not_have_run(self):
        text = table(R01='``kselftest a: other``\n       on x86_64')
        self.assertEqual(self.problems(text), [])
        self.assertEqual(self.problems(text, target='x86_64'),
                         ['R01: kselftest a: other: did not run'])

    def test_a_row_without_a_test_is_found(self):
        self.assertEqual(self.problems(table(R02='somewhere')), ['R02 names no test'])

    def test_an_open_row_with_a_test_is_open_no_more(self):
        self.assertEqual(self.problems(table(R29='``KUnit suite.case``')),
                         ['R29 is not open any more'])

    def test_a_row_that_is_missing_is_found(self):
        self.assertEqual(len(self.problems(table().replace('R07', 'R77'))), 1)


if __name__ == '__main__':
    unittest.main()
