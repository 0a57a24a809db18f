# SPDX-License-Identifier: GPL-2.0-only
"""How the selftests are shared out, and one report is made of many."""

import contextlib
import io
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

import kselftest


class SharesTest(unittest.TestCase):
    """Which guest runs which programs."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        patch = mock.patch.object(kselftest, 'CACHE', Path(directory.name))
        patch.start()
        self.addCleanup(patch.stop)
        self.seconds = kselftest.Seconds(types.SimpleNamespace(name='um'))

    def test_all_shares_take_about_as_long(self):
        self.seconds.of = {'a': 5, 'b': 3, 'c': 2, 'd': 1}
        self.assertEqual(self.seconds.shares('abcd', 2), [['a', 'd'], ['b', 'c']])

    def test_a_program_never_seen_is_shared_out_too(self):
        self.assertEqual(self.seconds.shares(['new'], 1), [['new']])

    def test_there_are_no_empty_shares(self):
        self.assertEqual(self.seconds.shares(['a'], 3), [['a']])

    def test_only_the_programs_that_race_have_two_processors(self):
        kernel = types.SimpleNamespace(target='um', debug=False)
        guests = kselftest._guests(kernel, self.seconds, ['open', 'concurrent', 'seek'])
        self.assertEqual([share for share, processor in guests if processor is None],
                         [['concurrent']])
        self.assertEqual(sorted(name for share, _ in guests for name in share),
                         ['concurrent', 'open', 'seek'])

    def test_the_race_detector_has_two_processors(self):
        kernel = types.SimpleNamespace(target='x86_64', debug=True)
        guests = kselftest._guests(kernel, self.seconds, ['open', 'concurrent'])
        self.assertEqual(guests, [(['open', 'concurrent'], None)])

    def test_times_are_kept(self):
        self.seconds.of['a'] = 7
        self.seconds.keep()
        self.assertEqual(kselftest.Seconds(types.SimpleNamespace(name='um')).of, {'a': 7})

    def test_a_damaged_file_of_times_is_as_none(self):
        self.seconds.path.write_text('{', encoding='utf-8')
        self.assertEqual(kselftest.Seconds(types.SimpleNamespace(name='um')).of, {})


class SkippedTest(unittest.TestCase):
    """A program that skipped every case is not one that passed."""

    def test_only_a_program_that_skipped_every_case_counts(self):
        lines = ['# ok 1 case # SKIP requires root', 'ok 1 selftests: lkmdemo: open # SKIP',
                 '# ok 1 case # SKIP requires root', 'ok 2 selftests: lkmdemo: seek',
                 'not ok 3 selftests: lkmdemo: poll # exit=1']
        self.assertEqual(kselftest.skipped_programs(lines), ['open'])


class ReportTest(unittest.TestCase):
    """One report out of the outputs of two guests."""

    def setUp(self):
        self.report = kselftest.Report(types.SimpleNamespace(of={}))
        self.one = self.report.from_guest()
        self.two = self.report.from_guest()

    def write(self, part, data):
        with contextlib.redirect_stdout(io.StringIO()):
            part.write(data)

    def test_programs_stay_whole_and_are_numbered_as_they_end(self):
        self.write(self.one, b'# ok 1 a\n')
        self.write(self.two, b'# ok 1 b\nok 1 selftests: lkmdemo: B\n')
        self.write(self.one, b'not ok 1 selftests: lkmdemo: A # exit=1\n')
        self.assertEqual(self.report.lines, [
            '# ok 1 b', 'ok 1 selftests: lkmdemo: B',
            '# ok 1 a', 'not ok 2 selftests: lkmdemo: A # exit=1'])

    def test_a_line_may_come_in_pieces(self):
        self.write(self.one, b'ok 1 selftests: lk')
        self.write(self.one, b'mdemo: A\n')
        self.assertEqual(self.report.lines, ['ok 1 selftests: lkmdemo: A'])

    def test_what_a_dying_guest_printed_last_is_kept(self):
        self.write(self.one, b'# ok 1 a\n# ok')
        with contextlib.redirect_stdout(io.StringIO()):
            self.one.finish()
        self.assertEqual(self.report.lines, ['# ok 1 a', '# ok'])

    def test_the_time_of_each_program_is_noted(self):
        self.write(self.one, b'ok 1 selftests: lkmdemo: A\n')
        self.assertIn('A', self.report.seconds.of)


if __name__ == '__main__':
    unittest.main()
