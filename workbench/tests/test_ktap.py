# SPDX-License-Identifier: GPL-2.0-only
"""Test the reading of KTAP."""

import unittest

from verdict import ktap


class KtapTest(unittest.TestCase):
    """Test the cases in documents."""

    def results(self, text, plan=None):
        """Map the path of each case to its result."""
        found = {}
        for path, result, _ in ktap.cases(text.splitlines(), plan):
            self.assertNotIn(path, found)
            found[path] = result
        return found

    def test_each_result_is_a_case(self):
        self.assertEqual(self.results('''\
KTAP version 1
1..4
ok 1 a
not ok 2 - b b # exit=1
ok 3 c # SKIP why
ok 4
'''), {('a',): 'passed', ('b b',): 'failed', ('c',): 'skipped', ('',): 'passed'})

    def test_the_cases_of_nested_groups_are_found(self):
        self.assertEqual(self.results('''\
1..2
  KTAP version 1
  # Subtest: suite
  1..2
    KTAP version 1
    # Subtest: case
    ok 1 one
    ok 2 two
  # case: pass:2 fail:0
  ok 1 case
  ok 2 other
ok 1 suite
ok 2 lone
'''), {('suite', 'case', 'one'): 'passed', ('suite', 'case', 'two'): 'passed', ('suite', 'other'): 'passed',
            ('lone',): 'passed'})

    def test_other_lines_are_ignored(self):
        self.assertEqual(self.results('okay\n# ok 3 x\nnot okay\nok 1 a\n1.. 2\n'), {('a',): 'passed'})

    def test_a_failed_group_with_passed_cases_is_a_failure(self):
        self.assertEqual(self.results('  1..1\n  ok 1 a\nnot ok 1 program # exit=139\n'),
                         {('program', 'a'): 'passed', ('program',): 'failed'})

    def test_a_failed_group_with_a_failed_case_is_not_a_further_failure(self):
        self.assertEqual(self.results('  1..1\n  not ok 1 a\nnot ok 1 program\n'), {('program', 'a'): 'failed'})

    def test_missing_cases_of_a_plan_are_a_failure(self):
        self.assertEqual(self.results('  1..3\n  ok 1 a\nok 1 program\n')[('program', '1 of 3 have a result')],
                         'failed')
        self.assertEqual(self.results('ok 1 a', 2)[('1 of 2 have a result',)], 'failed')

    def test_cases_beyond_a_plan_are_a_failure(self):
        self.assertIn('failed', self.results('1..1\nok 1 a\nok 2 b').values())

    def test_a_group_without_a_case_is_a_failure(self):
        for text in ('  KTAP version 1\nok 1 program', '', 'nothing here'):
            with self.subTest(text):
                self.assertEqual(list(self.results(text).values()), ['failed'])

    def test_a_group_that_skips_all_cases_is_skipped(self):
        self.assertEqual(self.results('  TAP version 13\n  1..0 # SKIP no device\nok 1 program # SKIP\n'),
                         {('program',): 'skipped'})

    def test_a_group_that_ends_without_a_result_is_a_failure(self):
        self.assertEqual(self.results('  1..2\n    1..1\n    ok 1 deep\n'),
                         {('has no result', 'has no result', 'deep'): 'passed',
                          ('has no result', 'has no result'): 'failed',
                          ('has no result', '1 of 2 have a result'): 'failed'})


if __name__ == '__main__':
    unittest.main()
