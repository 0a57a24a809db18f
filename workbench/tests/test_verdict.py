# SPDX-License-Identifier: GPL-2.0-only
"""Test the tallies of kselftest and KUnit runs."""

import contextlib
import io
import json
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from machine import guest
from verdict import kunit as verdict
from verdict.count import count_kselftest, count_kunit, unfinished_case, with_status
from verdict.tally import Tally, single

KSELFTEST = """\
# timeout set to 45
# selftests: widget: seek
# TAP version 13
# 1..3
# # Starting 3 tests from 1 test cases.
# #  RUN           global.a ...
# #            OK  global.a
# ok 1 global.a
# not ok 2 global.b
# ok 3 global.c # SKIP no such thing
# # FAILED: 2 / 3 tests passed.
not ok 1 selftests: widget: seek # exit=1
# timeout set to 45
# selftests: widget: open
{second}
"""
COMPLETE = '# TAP version 13\n# 1..1\n# ok 1 global.d\nok 2 selftests: widget: open'
CRASHED = '# TAP version 13\n# 1..2\n# ok 1 global.d\nnot ok 2 selftests: widget: open # exit=139'
TIMED_OUT = 'not ok 2 selftests: widget: open # TIMEOUT 45 seconds'
SKIPPED = '# TAP version 13\n# 1..1\n# ok 1 global.d # SKIP no device\nok 2 selftests: widget: open'
SKIPPED_AT_ONCE = '# TAP version 13\n# 1..0 # SKIP no device\nok 2 selftests: widget: open # SKIP'

KUNIT = """\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: widget_open
    # module: widget_kunit
    1..2
        KTAP version 1
        # Subtest: each
        ok 1 one
        not ok 2 two
    # each: pass:1 fail:1 skip:0 total:2
    not ok 1 each
    ok 2 other # SKIP no such thing
not ok 1 widget_open
KTAP version 1
1..1
    KTAP version 1
    # Subtest: widget_pool
    1..1
    ok 1 case
ok 1 widget_pool
"""


class KselftestTest(unittest.TestCase):
    """Test the tally of a kselftest run."""

    def count(self, second, programs=('seek', 'open'), may_skip=()):
        return count_kselftest(KSELFTEST.format(second=second), [f'widget: {program}' for program in programs],
                               may_skip)

    def test_each_case_of_a_program_is_counted(self):
        self.assertEqual(str(self.count(COMPLETE)), '2 passed, 1 failed, 1 skipped')

    def test_the_result_of_each_case_is_recorded_by_its_name(self):
        self.assertEqual(self.count(COMPLETE).results, {
            'kselftest seek: global.a': 'passed', 'kselftest seek: global.b': 'failed',
            'kselftest seek: global.c': 'skipped', 'kselftest open: global.d': 'passed'})

    def test_a_program_that_crashes_fails(self):
        self.assertIn('kselftest open: 1 of 2 have a result: exit=139', self.count(CRASHED).failures())

    def test_a_program_without_output_fails(self):
        self.assertIn('kselftest open: TIMEOUT 45 seconds', self.count(TIMED_OUT).failures())

    def test_programs_that_did_not_run_fail(self):
        self.assertIn('kselftest did not run open poll', self.count('', ('seek', 'open', 'poll')).failures())

    def test_a_script_that_ends_with_a_shell_error_fails(self):
        tally = self.count('ok 2 selftests: widget: a.sh # XFAIL', ('seek', 'a.sh'))
        self.assertIn('kselftest a.sh: XFAIL', tally.failures())

    def test_an_output_without_ktap_is_a_failure(self):
        self.assertIn('kselftest did not run seek', count_kselftest('make: *** Error 2\n', ['widget: seek']).failures())

    def test_a_program_that_skips_every_case_fails(self):
        for second in (SKIPPED, SKIPPED_AT_ONCE):
            with self.subTest(second):
                self.assertIn('kselftest open: skipped every case', self.count(second).failures())
                allowed = self.count(second, may_skip=['widget: open'])
                self.assertNotIn('kselftest open: skipped every case', allowed.failures())

    def test_a_program_that_skips_some_cases_does_not_fail(self):
        self.assertEqual(self.count(COMPLETE).failures(), ['kselftest seek: global.b'])


class KunitTest(unittest.TestCase):
    """Test the tally of a KUnit run."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.results, self.log = (Path(directory.name) / name for name in ('results.json', 'test.log'))
        patch = mock.patch.object(verdict, 'say')
        self.say = patch.start()
        self.addCleanup(patch.stop)

    def judge(self, log, status=0, cases=('PASS',)):
        """Return the tally of a run of kunit.py with one suite."""
        self.log.write_bytes(log)
        suite = {'name': 'suite', 'sub_groups': [], 'test_cases': [
            {'name': f'case{number}', 'status': each} for number, each in enumerate(cases)]}
        if cases:
            self.results.write_text(json.dumps({'sub_groups': [suite], 'test_cases': []}), encoding='utf-8')
        return verdict.judge_kunit(self.results, self.log, status)

    def test_each_case_is_counted(self):
        tally = self.judge(b'KTAP version 1\n', 1, ('PASS', 'FAIL', 'SKIP', 'ERROR'))
        self.assertEqual(str(tally), '1 passed, 2 failed, 1 skipped')
        self.assertEqual(tally.failures(), ['KUnit suite.case1', 'KUnit suite.case3'])

    def test_a_report_fails_a_run_with_passed_cases(self):
        tally = self.judge(b'[0.1] KTAP version 1\n[0.2] WARNING: at message.c\nok 1 suite\n')
        self.assertEqual(tally.failures(), ['KUnit: report in the kernel log: [0.2] WARNING: at message.c'])
        self.say.assert_any_call('  [0.2] WARNING: at message.c')

    def test_a_report_without_results_is_a_failure(self):
        self.assertEqual(self.judge(b'KTAP version 1\nKernel panic - not syncing: x\n', 1, ()).failed, 1)

    def test_a_case_without_a_name_is_the_one_that_did_not_end(self):
        self.results.write_text(json.dumps({'sub_groups': [], 'test_cases': [{'name': '', 'status': 'ERROR'}]}),
                                encoding='utf-8')
        for log, name in ((b'    # Subtest: suite\n', 'KUnit suite: did not end'), (b'', 'KUnit: a case did not end')):
            with self.subTest(name):
                self.assertEqual(self.judge(log, 1, ()).failures(), [name])

    def test_missing_results_are_an_error(self):
        with self.assertRaisesRegex(UserError, 'no results'):
            self.judge(b'', 1, ())

    def test_a_status_without_a_failed_case_is_an_error(self):
        with self.assertRaisesRegex(UserError, 'no case failed'):
            self.judge(b'KTAP version 1\n', 1)

    def test_the_results_in_debugfs_are_counted(self):
        tally = count_kunit(KUNIT)
        self.assertEqual(str(tally), '2 passed, 1 failed, 1 skipped')
        self.assertEqual(tally.results, {'KUnit widget_open.each': 'failed', 'KUnit widget_open.other': 'skipped',
                                         'KUnit widget_pool.case': 'passed'})

    def test_a_failed_guest_is_a_failure(self):
        def run(*_, out, **__):
            out.write(KUNIT[:KUNIT.rindex('KTAP version 1\n1..1')].encode())
            return guest.DIED
        with mock.patch.object(guest, 'run', run), contextlib.redirect_stdout(io.StringIO()) as out, \
             mock.patch.object(verdict.build, 'kunit_modules', lambda _: ['widget_kunit']):
            tally = verdict.kunit_modules(types.SimpleNamespace(log=Path))
        self.assertEqual(tally.failures()[0], f'KUnit: {guest.FAILURES[guest.DIED]}')
        self.assertIn('ok 1 one', out.getvalue())

    def test_a_case_of_the_modules_that_hangs_is_named(self):
        self.log.write_text('    # Subtest: widget_open\n    ok 1 each\n', encoding='ascii')
        with mock.patch.object(guest, 'run', lambda *_, **__: guest.TIMED_OUT), \
             mock.patch.object(verdict.build, 'kunit_modules', lambda _: ['widget_kunit']):
            tally = verdict.kunit_modules(types.SimpleNamespace(log=lambda name: self.log), show=False)
        self.assertEqual(tally.failures(), [
            f'KUnit: {guest.FAILURES[guest.TIMED_OUT]}',
            'KUnit widget_open: did not end; the last result in its log is that of each'])

    def test_the_case_that_did_not_end_is_named(self):
        begin = '    KTAP version 1\n    # Subtest: widget_open\n    # module: widget_kunit\n    1..2\n'
        parameters = '        KTAP version 1\n        # Subtest: each\n        ok 1 one\n'
        for text, name in (
                ('', ''),
                (begin, 'KUnit widget_open: did not end'),
                (begin + parameters, 'KUnit widget_open.each: did not end'),
                (begin + parameters + '    not ok 1 each\n',
                 'KUnit widget_open: did not end; the last result in its log is that of each'),
                (begin + parameters + '    # each: pass:1 fail:0 skip:0 total:1\n',
                 'KUnit widget_open: did not end; the last result in its log is that of each'),
                (begin + '    ok 1 each\nok 1 widget_open\n', ''),
                (begin + '    ok 1 each\n# widget_open: pass:1 fail:0 skip:0 total:1\n', ''),
                (begin + '    ok 1 each\nok 1 widget_open\n' + begin.replace('open', 'pool'),
                 'KUnit widget_pool: did not end')):
            for time in ('', '[    1.360000] ', '[    1.360000][  T123] '):
                with self.subTest(name=name, time=time), tempfile.TemporaryDirectory() as directory:
                    log = Path(directory, 'log')
                    log.write_text(''.join(f'{time}{line}\r\n' for line in text.splitlines()), encoding='ascii')
                    self.assertEqual(unfinished_case(log), name)


class TallyTest(unittest.TestCase):
    """Test sums of tallies, and the lines about failures."""

    def test_a_case_with_parameters_has_the_worst_result(self):
        passed, failed = single('KUnit a.b', 'passed'), single('KUnit a.b', 'failed')
        self.assertEqual((passed + failed + passed).results, {'KUnit a.b': 'failed'})
        self.assertEqual(str(passed + failed + passed), '2 passed, 1 failed, 0 skipped')

    def test_the_failed_cases_are_named(self):
        self.assertEqual((single('a', 'failed') + single('b', 'passed') + single('c', 'skipped')).failures(), ['a'])

    def test_the_number_of_lines_is_limited(self):
        for count, lines, last in ((20, 20, '19'), (21, 20, 'and 2 more'), (500, 20, 'and 481 more')):
            with self.subTest(count):
                found = sum((single(str(number), 'failed') for number in range(count)), Tally()).failures()
                self.assertEqual((len(found), found[-1]), (lines, last))

    def test_a_status_without_a_failed_case_is_a_failure(self):
        self.assertEqual(with_status(single('a', 'passed'), 2, 'x').failed, 1)
        self.assertEqual(with_status(single('a', 'failed'), 2, 'x').failed, 1)

    def test_a_failed_guest_is_a_failure_in_addition_to_others(self):
        tally = with_status(single('a', 'failed'), guest.TIMED_OUT, 'x')
        self.assertEqual(tally.failures(), [f'x: {guest.FAILURES[guest.TIMED_OUT]}', 'a'])


if __name__ == '__main__':
    unittest.main()
