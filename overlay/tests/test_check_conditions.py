# SPDX-License-Identifier: GPL-2.0-only
"""Test the comparison of a run under a condition with the expected behaviour."""

import unittest
from pathlib import Path

import check_conditions as conditions
from check_conditions import Condition, PASSES, SKIPS_ALL, SKIPS_SOME

TEXT = '''# selftests: lkmdemo: seek
# TAP version 13
# 1..2
# ok 1 end.a
# ok 2 end.b # SKIP requires root
ok 1 selftests: lkmdemo: seek
# selftests: lkmdemo: open
# TAP version 13
# 1..1
# ok 1 open.a # SKIP requires root
ok 2 selftests: lkmdemo: open # SKIP
'''


class ProblemsTest(unittest.TestCase):
    """Test which runs have problems."""

    def setUp(self):
        self.condition = Condition('a test', ':', SKIPS_ALL, {'seek': SKIPS_SOME})
        self.cases = {}

    def problems(self, text=TEXT):
        return conditions.problems(self.condition, ['seek', 'open'], text, self.cases)

    def test_an_expected_run_has_no_problem(self):
        self.assertEqual(self.problems(), [])

    def test_a_failure_is_a_problem(self):
        found = self.problems(TEXT.replace('ok 1 end.a', 'not ok 1 end.a').replace('ok 1 self', 'not ok 1 self'))
        self.assertEqual(found, ['seek fails; expected: skips some'])

    def test_an_unexpected_pass_is_a_problem(self):
        found = self.problems(TEXT.replace('end.b # SKIP requires root', 'end.b'))
        self.assertEqual(found, ['seek passes all; expected: skips some'])

    def test_a_program_that_does_not_run_is_a_problem(self):
        self.assertIn('open fails; expected: skips all', self.problems(TEXT[:TEXT.index('# selftests: lkmdemo: open')]))

    def test_status_0_of_a_program_that_skips_all_cases_is_a_problem(self):
        found = self.problems(TEXT.replace('open # SKIP', 'open'))
        self.assertEqual(found, ['open skips all, but its exit status is not 4'])

    def test_status_4_after_a_passed_case_is_a_problem(self):
        found = self.problems(TEXT.replace('ok 1 selftests: lkmdemo: seek', 'ok 1 selftests: lkmdemo: seek # SKIP'))
        self.assertEqual(found, ['seek skips some, but its exit status is 4'])

    def test_a_skip_without_a_reason_is_a_problem(self):
        found = self.problems(TEXT.replace(' requires root', '', 1))
        self.assertEqual(found, ['a case is skipped without a reason'])

    def test_a_missing_case_is_a_problem(self):
        self.cases = {'seek': {('end.a',), ('end.b',), ('end.c',)}}
        self.assertEqual(self.problems(), ['seek has other cases than under other conditions'])


class CommandTest(unittest.TestCase):
    """Test the command that runs in a guest."""

    def test_the_state_is_compared_if_it_must_be_restored(self):
        for restores in (False, True):
            command = conditions._command(Condition('a test', ':', PASSES, restores=restores), '/tests', ['seek'])
            self.assertEqual('diff' in command, restores)

    def test_the_programs_run_as_the_user(self):
        command = conditions._command(Condition('a test', ':', PASSES, user='setpriv'), '/tests', ['a', 'b'])
        self.assertIn("setpriv sh -c 'sh run_kselftest.sh -t lkmdemo:a -t lkmdemo:b", command)

    def test_conditions_name_existing_programs(self):
        known = {path.stem if path.suffix == '.c' else path.name
                 for path in (Path(__file__).parents[2] / 'tools/testing/selftests/lkmdemo').rglob('*')}
        for condition in conditions.CONDITIONS:
            self.assertLessEqual(set(condition.expected), known, condition.name)


if __name__ == '__main__':
    unittest.main()
