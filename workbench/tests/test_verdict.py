# SPDX-License-Identifier: GPL-2.0-only
"""What counts as passed, and what in a kernel log fails a run."""

import tempfile
import unittest
from pathlib import Path

import guest
import verdict
from paths import build_root

KSELFTEST = """\
# timeout set to 45
# selftests: lkmdemo: seek
# TAP version 13
# 1..3
# # Starting 3 tests from 1 test cases.
# #  RUN           global.a ...
# #            OK  global.a
# ok 1 global.a
# not ok 2 global.b
# ok 3 global.c # SKIP no such thing
# # FAILED: 2 / 3 tests passed.
not ok 1 selftests: lkmdemo: seek # exit=1
# timeout set to 45
# selftests: lkmdemo: open
{second}
"""
WHOLE = '# TAP version 13\n# 1..1\n# ok 1 global.d\nok 2 selftests: lkmdemo: open'
CRASHED = '# TAP version 13\n# 1..2\n# ok 1 global.d\nnot ok 2 selftests: lkmdemo: open # exit=139'
TIMED_OUT = 'not ok 2 selftests: lkmdemo: open # TIMEOUT 45 seconds'


class CountTest(unittest.TestCase):
    """The tally of a kselftest run."""

    def setUp(self):
        trees = [path for path in build_root().glob('linux-*') if path.is_dir()]
        self.assertTrue(trees, 'no kernel tree under build/: run make kernel first')
        self.tree = trees[0]

    def count(self, second):
        return verdict.count_kselftest(self.tree, KSELFTEST.format(second=second), 2)

    def test_each_case_of_a_program_counts(self):
        self.assertEqual(self.count(WHOLE)[:3], (2, 1, 1))

    def test_what_came_of_each_case_is_kept_by_its_name(self):
        self.assertEqual(self.count(WHOLE).results, {
            'kselftest seek: global.a': 'passed', 'kselftest seek: global.b': 'failed',
            'kselftest seek: global.c': 'skipped', 'kselftest open: global.d': 'passed'})

    def test_of_a_case_with_parameters_the_worst_counts(self):
        passed, failed = (verdict.Tally(results={'KUnit a.b': result})
                          for result in ('passed', 'failed'))
        self.assertEqual((passed + failed + passed).results, {'KUnit a.b': 'failed'})

    def test_a_program_that_dies_on_the_way_fails(self):
        self.assertGreaterEqual(self.count(CRASHED).failed, 2)

    def test_a_program_that_printed_nothing_fails(self):
        self.assertGreaterEqual(self.count(TIMED_OUT).failed, 2)

    def test_a_run_that_ends_too_early_fails(self):
        self.assertGreaterEqual(self.count('').failed, 2)

    def test_a_script_that_ends_with_a_shell_error_fails(self):
        self.assertGreaterEqual(self.count('ok 2 selftests: lkmdemo: a.sh # XFAIL').failed, 2)

    def test_an_output_without_ktap_is_a_failure(self):
        self.assertGreaterEqual(verdict.count_kselftest(self.tree, 'make: *** Error 2\n', 2).failed, 1)


class SplatTest(unittest.TestCase):
    """The lines of a kernel log that fail a run."""

    def splats(self, *lines):
        with tempfile.TemporaryDirectory() as directory:
            log = Path(directory) / 'log'
            log.write_text('\n'.join(lines) + '\n', encoding='utf-8')
            return guest.splats(log)

    def test_each_kind_of_report_is_seen(self):
        for line in ('WARNING: CPU: 0 PID: 1 at drivers/misc/lkmdemo/file.c:1 lkmdemo_open+0x1/0x2',
                     'BUG: unable to handle page fault', 'Kernel panic - not syncing: x',
                     'BUG: KASAN: slab-out-of-bounds in x', 'UBSAN: shift-out-of-bounds in x',
                     'kmemleak: 3 new suspected memory leaks', 'Oops: 0000 [#1]',
                     'INFO: task cat:12 blocked for more than 10 seconds.',
                     'WARNING: possible circular locking dependency detected',
                     'refcount_t: underflow; use-after-free.'):
            with self.subTest(line):
                self.assertTrue(self.splats('x ' + guest.USER_SPACE, '[    1.0] ' + line))

    def test_what_comes_before_user_space_is_not_judged(self):
        self.assertFalse(self.splats('WARNING: suspicious RCU usage', guest.USER_SPACE, 'fine'))

    def test_a_kernel_that_never_reached_user_space_is(self):
        self.assertTrue(self.splats('booting', 'Kernel panic - not syncing: no init'))

    def test_plain_lines_are_no_reports(self):
        self.assertFalse(self.splats(guest.USER_SPACE, 'lkmdemo: capacity 0 is not from 1',
                                     'lkmdemo: module verification', 'debug: BUGS none'))


if __name__ == '__main__':
    unittest.main()
