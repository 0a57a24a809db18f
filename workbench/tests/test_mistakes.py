# SPDX-License-Identifier: GPL-2.0-only
"""Test the patches with mistakes: their headers, their application, and the comparison of the results."""

import contextlib
import io
import os
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from machine import guest
from verdict import mistakes, quick
import trees

HEADERS = """\
# SPDX-License-Identifier: GPL-2.0-only
Subject: two opens at the same time
Kernel: um debug
Quick: yes
Tests: kselftest open: open.*
 KUnit widget_open.twice
 kernel log: BUG: KASAN: *
Also: KUnit widget_open.thrice
Run: kselftest widget:poll
 KUnit widget_race
"""
PATCH = """
--- a/drivers/misc/widget/main.c
+++ b/drivers/misc/widget/main.c
@@ -1 +1 @@
-int widget;
+short widget;
"""


class ParseTest(unittest.TestCase):
    """The headers of a patch."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / 'int-as-a-lock.patch'

    def parse(self, text):
        self.path.write_text(text, encoding='utf-8')
        return mistakes.parse(self.path)

    def test_reads_each_header(self):
        mistake = self.parse(HEADERS + PATCH)
        self.assertEqual(mistake.name, 'int-as-a-lock')
        self.assertEqual(mistake.subject, 'two opens at the same time')
        self.assertEqual(mistake.kernel, 'um debug')
        self.assertTrue(mistake.is_quick)
        self.assertEqual(mistake.also, ('KUnit widget_open.thrice',))
        self.assertEqual(mistake.tests, ('kselftest open: open.*', 'KUnit widget_open.twice',
                                         'kernel log: BUG: KASAN: *'))
        self.assertEqual(mistake.programs, {'open', 'widget:poll'})
        self.assertEqual(mistake.suites, {'widget_open', 'widget_race'})

    def test_kernel_and_quick_have_defaults(self):
        mistake = self.parse('Subject: a\nTests: KUnit a.b\n' + PATCH)
        self.assertEqual((mistake.kernel, mistake.is_quick), ('um', False))

    def test_lines_of_the_patch_are_no_headers(self):
        mistake = self.parse('Subject: a\nTests: KUnit a.b\n' + PATCH.replace('short widget;', 'out: return;')
                             + 'Kernel: other\n')
        self.assertEqual(mistake.kernel, 'um')

    def test_invalid_headers_are_errors(self):
        for text, message in (('Subject: a\n', 'has no header Tests'),
                              ('Tests: KUnit a.b\n', 'has no header Subject'),
                              ('Subject: a\nTests: KUnit a.b\nTarget: um\n', 'the header Target is unknown'),
                              ('Subject: a\nTests: KUnit a.b\nKernel: arm64\n', 'Kernel: arm64 is none of um, '),
                              ('Subject: a\nTests: kernel log: BUG: *\n', 'has no kselftest or KUnit suite to run'),
                              ('Subject: a\nTests: open.twice\n', "'open.twice' is not the name of a test"),
                              ('Subject: a\nTests: kselftest open\n', "'kselftest open' is not the name")):
            with self.subTest(text), self.assertRaisesRegex(UserError, message):
                self.parse(text + PATCH)


class ApplyTest(unittest.TestCase):
    """The application of a patch to copies of the driver."""

    def setUp(self):
        self.overlay = trees.make_overlay(self, {**trees.WIDGET, 'bench/mistakes/a.patch': HEADERS + PATCH,
                                                 'bench/mistakes/b.patch': HEADERS.replace('yes', 'no') + PATCH})
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.scratch = Path(directory.name)

    def apply(self, patch):
        path = self.overlay.root / 'bench/mistakes/a.patch'
        path.write_text(HEADERS + patch, encoding='utf-8')
        return mistakes.apply(mistakes.parse(path), self.overlay, self.scratch)

    def test_changes_a_copy_alone(self):
        copies = self.apply(PATCH)
        self.assertEqual(list(copies), [trees.DRIVER])
        self.assertEqual(copies[trees.DRIVER].read_text(), 'short widget;\n')
        self.assertEqual(self.overlay.files[trees.DRIVER].read_text(), 'int widget;\n')

    def test_patch_that_does_not_apply_is_an_error(self):
        with self.assertRaisesRegex(UserError, r'a\.patch does not apply: error: patch failed'):
            self.apply(PATCH.replace('-int', '-long'))

    def test_patch_without_a_file_is_an_error(self):
        with self.assertRaisesRegex(UserError, 'does not apply'):
            self.apply('')

    def test_patch_of_a_test_is_an_error(self):
        for path in ('lib/widget_kunit/test.c', 'tools/testing/selftests/widget/run.sh', 'drivers/misc/other.c'):
            with self.subTest(path), self.assertRaisesRegex(UserError, f'{path} is no file of the driver'):
                self.apply(PATCH.replace(trees.DRIVER, path))

    def test_load_selects_by_name_and_by_quick(self):
        def names(*selection):
            return [mistake.name for mistake in mistakes.load(self.overlay, *selection)]

        self.assertEqual(names(), ['a', 'b'])
        self.assertEqual(names(('b',)), ['b'])
        self.assertEqual(names((), True), ['a'])
        with self.assertRaisesRegex(UserError, 'TEST=c: no such mistake; there are:\n  a b'):
            names(('c',))

    def test_overlay_without_mistakes_is_an_error(self):
        with self.assertRaisesRegex(UserError, 'the overlay widget has no mistakes: bench/mistakes'):
            mistakes.load(trees.make_overlay(self))


class ProblemTest(unittest.TestCase):
    """The comparison of the tests that failed with those that must fail."""

    def test_exactly_the_expected_tests(self):
        self.assertEqual(mistakes.problem(('KUnit a.b', 'kselftest c: d.*'),
                                          {'KUnit a.b', 'kselftest c: d.e', 'kselftest c: d.f'}), '')

    def test_test_that_did_not_fail(self):
        self.assertEqual(mistakes.problem(('KUnit a.b', 'KUnit a.c'), {'KUnit a.b'}), 'did not fail: KUnit a.c')

    def test_test_that_also_failed(self):
        self.assertEqual(mistakes.problem(('KUnit a.b',), {'KUnit a.b', 'KUnit a.bc'}), 'also failed: KUnit a.bc')

    def test_test_that_may_fail(self):
        also = ('KUnit a.c',)
        self.assertEqual(mistakes.problem(('KUnit a.b',), {'KUnit a.b', 'KUnit a.c'}, also), '')
        self.assertEqual(mistakes.problem(('KUnit a.b',), {'KUnit a.b'}, also), '')
        self.assertEqual(mistakes.problem(('KUnit a.b',), {'KUnit a.c'}, also), 'did not fail: KUnit a.b')

    def test_brackets_are_no_pattern(self):
        self.assertEqual(mistakes.problem(('kernel log: [a]',), {'kernel log: [a]'}), '')


class RunTest(unittest.TestCase):
    """The names of the tests that fail in a guest."""

    def failed(self, status, text, log=''):
        mistake = mistakes.Mistake(Path('a.patch'), 'a', (), set(), {'widget_open'}, 'um', False)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / 'log'
            path.write_text(f'{guest.USER_SPACE}\n{log}', encoding='utf-8')
            kernel = types.SimpleNamespace(log=lambda name: path, debug=False)
            prepared = mistakes._Prepared(mistake, kernel, quick.suites('widget_open'), [], 1, '')

            def run(*_arguments, out, **_options):
                out.write(text.encode())
                return status

            with mock.patch.object(guest, 'run', run), mock.patch.object(os, 'sched_setaffinity'), \
                 contextlib.redirect_stdout(io.StringIO()):
                return mistakes._run(prepared, 1)  # pylint: disable=protected-access

    KUNIT = ('\n\x01workbench begin KUnit widget_open\nKTAP version 1\n1..1\n    KTAP version 1\n    1..2\n'
             '    ok 1 once\n    not ok 2 twice\nnot ok 1 widget_open\n')

    def test_failed_cases(self):
        self.assertEqual(self.failed(0, self.KUNIT), {'KUnit widget_open.twice': ''})

    def test_report_is_the_only_failure(self):
        report = 'BUG: KASAN: slab-out-of-bounds in widget_read+0x1/0x2'
        log = f'[    1.870000] ------------[ cut here ]------------\n[    1.870000] {report}\n'
        self.assertEqual(self.failed(guest.DIED, self.KUNIT, log), {f'kernel log: {report}': ''})

    def test_time_limit_is_a_failure(self):
        self.assertEqual(self.failed(guest.TIMED_OUT, ''),
                         {'kernel log: a guest was stopped by its time limit': ''})

    def test_output_of_a_failed_case_is_recorded(self):
        text = self.KUNIT.replace('    not ok 2', '    # twice: EXPECTATION FAILED at open.c:7\n    not ok 2')
        failed = self.failed(0, text)
        with tempfile.TemporaryDirectory() as directory, \
             mock.patch.object(mistakes, 'build_root', lambda: Path(directory)):
            mistakes._record(mistakes.Mistake(Path('a.patch'), 'a', (), set(), set(), 'um', False), failed)
            self.assertEqual((Path(directory) / 'mistakes/a.out').read_text(encoding='utf-8'),
                             'KUnit widget_open.twice\n    twice: EXPECTATION FAILED at open.c:7\n')


if __name__ == '__main__':
    unittest.main()
