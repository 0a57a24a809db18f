# SPDX-License-Identifier: GPL-2.0-only
"""Test the coverage of the driver: the files of lcov, the reasons, and the verdict."""

import csv
import tempfile
import types
import unittest
from pathlib import Path

from host.console import UserError
from kernel import build
from machine.um import UM
from verdict import coverage
from verdict.coverage import Place, Reason, Source
import trees

INFO = """\
TN:
SF:/tree/drivers/misc/widget/main.c
FN:2,widget_open
DA:2,7
DA:3,0
BRDA:2,0,0,7
BRDA:2,0,1,0
BRDA:3,0,0,-
BRDA:3,0,1,-
end_of_record
SF:/other/fs/open.c
DA:1,1
end_of_record
"""
FILE = 'drivers/misc/widget/main.c'
TEXTS = {FILE: ['int widget;', '\tif (a)', '\t\tif (b)']}
REASON = '[[branch]]\nfile = "a.c"\nline = "if (a)"\ncount = 2\nreason = "never"\n'


class ParseTest(unittest.TestCase):
    """The file of lcov."""

    def test_files_outside_of_the_tree_are_left_out(self):
        self.assertEqual(list(coverage.parse(INFO, '/tree')), [FILE])

    def test_branches_of_a_line_that_did_not_run_are_not_taken(self):
        found = coverage.parse(INFO, '/tree')[FILE]
        self.assertEqual(found, Source({2: 7, 3: 0}, {2: [7, 0], 3: [0, 0]}))


class ReasonsTest(unittest.TestCase):
    """The file with the reasons."""

    def load(self, text):
        overlay = trees.make_overlay(self, {**trees.WIDGET, 'bench/coverage.toml': text})
        return coverage.load_reasons(overlay)

    def test_maps_lines_to_reasons(self):
        self.assertEqual(self.load(REASON), {Place('a.c', 'if (a)'): Reason(2, 'never')})

    def test_without_the_file_there_are_none(self):
        self.assertEqual(coverage.load_reasons(trees.make_overlay(self, {**trees.WIDGET, 'bench/a': ''})), {})

    def test_invalid_files_are_errors(self):
        for text, message in (('[', 'coverage.toml: '), ('a = 7\n', r'may contain \[\[branch\]\] only'),
                              (REASON.replace('2', '"2"'), 'branch 1 must have the keys file, line, count, reason'),
                              (REASON.replace('line', 'text'), 'branch 1 must have the keys'),
                              (REASON * 2, 'branch 2: there are two reasons for a.c')):
            with self.subTest(text), self.assertRaisesRegex(UserError, message):
                self.load(text)


class JudgeTest(unittest.TestCase):
    """The verdict about each file."""

    def failures(self, lines, branches, reasons):
        return coverage.judge({FILE: Source(lines, branches)}, TEXTS, reasons).failures()

    def test_everything_runs(self):
        self.assertEqual(self.failures({2: 1}, {2: [1, 1]}, {}), [])

    def test_line_that_does_not_run(self):
        self.assertEqual(self.failures({2: 0}, {}, {}), [f'coverage of {FILE}: line 2 does not run: if (a)'])

    def test_line_that_does_not_run_with_a_reason(self):
        self.assertEqual(self.failures({2: 0}, {}, {Place(FILE, 'if (a)'): Reason(0, 'never')}), [])

    def test_reason_for_a_line_that_runs(self):
        self.assertEqual(self.failures({2: 1}, {}, {Place(FILE, 'if (a)'): Reason(0, 'never')}), [
            f'coverage of {FILE}: coverage.toml gives a reason for a line that runs: if (a)'])

    def test_branch_without_a_reason(self):
        self.assertEqual(self.failures({2: 1}, {2: [1, 0]}, {}), [
            f'coverage of {FILE}: branches not taken: 1, with a reason in coverage.toml: 0: if (a)'])

    def test_branch_with_a_reason(self):
        self.assertEqual(self.failures({2: 1}, {2: [1, 0]}, {Place(FILE, 'if (a)'): Reason(1, 'never')}), [])

    def test_reason_for_a_branch_that_is_taken(self):
        self.assertEqual(self.failures({2: 1}, {2: [1, 1]}, {Place(FILE, 'if (a)'): Reason(1, 'never')}), [
            f'coverage of {FILE}: branches not taken: 0, with a reason in coverage.toml: 1: if (a)'])

    def test_reason_for_another_file(self):
        self.assertEqual(self.failures({}, {}, {Place('other.c', 'if (a)'): Reason(1, 'never')}), [
            'coverage of other.c: branches not taken: 0, with a reason in coverage.toml: 1: if (a)'])

    def test_equal_lines_count_together(self):
        texts = {FILE: ['if (a)', 'if (a)']}
        tally = coverage.judge({FILE: Source({}, {1: [1, 0], 2: [0, 1]})}, texts,
                               {Place(FILE, 'if (a)'): Reason(2, 'never')})
        self.assertEqual(tally.failed, 0)


class TableTest(unittest.TestCase):
    """The tables."""

    def test_percentages_are_rounded_down(self):
        lines = {number: 1 for number in range(1, 2001)}
        lines[7] = 0
        self.assertEqual(coverage.rows({FILE: Source(lines, {})}),
                         [(FILE, '2000', '99.9 %', '0', '-'), ('all files', '2000', '99.9 %', '0', '-')])

    def test_table_is_written_at_once(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / 'a.csv'
            coverage.write_table(path, ('a', 'b'), [('1', '2, 3')])
            lines = path.read_text(encoding='utf-8').splitlines()
            self.assertEqual(list(csv.reader(lines)), [['a', 'b'], ['1', '2, 3']])
            self.assertEqual([each.name for each in path.parent.iterdir()], ['a.csv'])


class KernelTest(unittest.TestCase):
    """The kernel with counters."""

    def profiled(self, variant):
        kernel = build.Kernel(Path('/tree'), UM, trees.make_subject(self), variant)
        return [argument for argument in map(str, kernel.make()) if argument.startswith('GCOV_PROFILE')]

    def test_only_the_driver_has_counters(self):
        self.assertEqual(self.profiled(''), [])
        self.assertEqual(self.profiled('coverage'), ['GCOV_PROFILE=$(if $(filter drivers/misc/widget/%,$@),y)'])

    def test_only_the_debug_kernel_fills_variables(self):
        for variant in ('', 'try', 'coverage', 'debug'):
            kernel = build.Kernel(Path('/tree'), UM, trees.make_subject(self), variant)
            with self.subTest(variant):
                self.assertEqual('-ftrivial-auto-var-init=pattern' in ' '.join(map(str, kernel.make())),
                                 variant == 'debug')

    def test_driver_without_tests_is_an_error(self):
        subject = types.SimpleNamespace(name='widget', has_kunit=False, targets={})
        with self.assertRaisesRegex(UserError, 'widget has no tests'):
            coverage.run(Path('/tree'), subject)

    def test_guest_without_counters_is_an_error(self):
        with tempfile.TemporaryDirectory() as directory, self.assertRaisesRegex(UserError, 'has no counters'):
            coverage._capture(types.SimpleNamespace(out=Path('/out')),  # pylint: disable=protected-access
                              Path(directory), Path(directory) / 'log')


if __name__ == '__main__':
    unittest.main()
