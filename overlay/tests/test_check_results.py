# SPDX-License-Identifier: GPL-2.0-only
"""Test the check of the table of rows and of the pitfalls against the results of a run."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import check_results as rows

ROW = """\
   * - {row}
     - what the literature shows
     - where it is here
     - {tests}
"""

PASSED = {'kselftest a: one.two': 'passed', 'KUnit suite.case': 'passed'}


def table(**tests):
    """Return a table in which each row that is not in OPEN names a test that passes."""
    return ''.join(ROW.format(row=row, tests=tests.get(
        row, '' if row in rows.OPEN else '``KUnit suite.case``')) for row in rows.ROWS)


class RowsTest(unittest.TestCase):
    """Test the problems of the table."""

    def problems(self, text, results=None, target='um'):
        return rows.problems(text, PASSED if results is None else results, target)

    def test_a_table_with_passed_tests_has_no_problem(self):
        self.assertEqual(self.problems(table(R01='``kselftest a: one.two``')), [])

    def test_a_renamed_test_is_a_problem(self):
        self.assertEqual(self.problems(table(R01='``kselftest a: one.three``')),
                         ['R01: kselftest a: one.three: did not run'])

    def test_a_failed_test_is_a_problem(self):
        self.assertEqual(self.problems(table(R01='``kselftest a: one.two``'),
                                       {**PASSED, 'kselftest a: one.two': 'failed'}),
                         ['R01: kselftest a: one.two: failed'])

    def test_a_skipped_test_is_a_problem(self):
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

    def test_a_row_without_a_test_is_a_problem(self):
        self.assertEqual(self.problems(table(R02='somewhere')), ['R02 names no test'])

    def test_an_open_row_with_a_test_is_a_problem(self):
        with mock.patch.object(rows, 'OPEN', {'R29'}):
            self.assertEqual(self.problems(table(R29='``KUnit suite.case``')),
                             ['R29 names a test, but is in OPEN'])

    def test_no_row_is_open(self):
        self.assertEqual(rows.OPEN, set())

    def test_an_unknown_target_is_a_problem(self):
        self.assertEqual(self.problems(table(R01='``KUnit suite.case`` on x86')),
                         ['R01: KUnit suite.case: there is no target x86'])

    def test_a_test_of_dkms_need_not_run_in_make_test(self):
        self.assertEqual(self.problems(table(R29='``dkms purge.leaves_nothing`` on dkms')), [])

    def test_a_test_of_dkms_without_its_target_is_a_problem(self):
        self.assertEqual(self.problems(table(R29='``dkms purge.leaves_nothing``')),
                         ['R29: dkms purge.leaves_nothing: did not run'])

    def test_check_dkms_must_run_the_tests_of_dkms_and_no_others(self):
        text = table(R29='``dkms purge.leaves_nothing`` on dkms, ``dkms install.*`` on dkms')
        passed = {'dkms purge.leaves_nothing': 'passed', 'dkms install.a': 'passed', 'dkms install.b': 'passed'}
        self.assertEqual(self.problems(text, passed, 'dkms'), [])
        self.assertEqual(self.problems(text, {**passed, 'dkms install.b': 'failed'}, 'dkms'),
                         ['R29: dkms install.*: failed and passed'])
        self.assertEqual(self.problems(text, {}, 'dkms'),
                         ['R29: dkms purge.leaves_nothing: did not run', 'R29: dkms install.*: did not run'])

    def test_a_missing_row_is_a_problem(self):
        self.assertEqual(len(self.problems(table().replace('R07', 'R77'))), 1)


class PagesTest(unittest.TestCase):
    """Test which pages of the manual are read."""

    def test_the_tests_of_every_page_of_the_pitfalls_are_checked(self):
        with tempfile.TemporaryDirectory() as directory:
            pages = Path(directory) / 'pitfalls'
            pages.mkdir()
            rows_page = Path(directory) / 'rows.rst'
            rows_page.write_text(table(), encoding='utf-8')
            for name in ('reading', 'writing'):
                (pages / f'{name}.rst').write_text(f'| ``KUnit suite.{name}``\n', encoding='utf-8')
            with mock.patch.object(rows, 'TABLE', rows_page), \
                 mock.patch.object(rows, 'PITFALLS', pages):
                found = rows.check({**PASSED, 'KUnit suite.reading': 'failed'}, 'um')
        self.assertEqual(found, ['pitfalls/reading.rst: KUnit suite.reading: failed',
                                 'pitfalls/writing.rst: KUnit suite.writing: did not run'])

    def test_the_manual_has_pages_of_pitfalls(self):
        self.assertTrue(list(rows.PITFALLS.glob('*.rst')))


if __name__ == '__main__':
    unittest.main()
