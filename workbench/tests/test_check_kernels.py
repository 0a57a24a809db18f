# SPDX-License-Identifier: GPL-2.0-only
"""The table of kernels: its rows, its cells, and an error in one row."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from cli import check_kernels
from cli.options import Options
from host.console import UserError
from verdict.tally import single


class CheckKernelsTest(unittest.TestCase):
    """Test the table without any kernel."""

    def test_each_combination_has_one_row(self):
        found = check_kernels.rows('7.3')
        self.assertEqual(len({(row.kernel, row.tests) for row in found}), len(found))
        self.assertIn(check_kernels.Row('7.3, s390', 'KUnit', {'arch': 's390'}), found)
        self.assertIn(check_kernels.Row('6.12, Debian, x86_64', 'kselftest', {'target': 'distro', 'kernel': '6.12'}),
                      found)

    def test_kernels_and_an_architecture_select_rows(self):
        found = check_kernels.selected(Options(kernels=('6.1',), arch='s390'))
        self.assertEqual([(row.kernel, row.tests) for row in found],
                         [('6.1, Debian, x86_64', 'kselftest'), ('7.3, s390', 'KUnit'), ('7.3, s390', 'kselftest')])

    def test_a_run_of_some_rows_updates_the_table(self):
        with tempfile.TemporaryDirectory() as directory, mock.patch.object(
                check_kernels, 'build_root', return_value=Path(directory)), \
                contextlib.redirect_stderr(io.StringIO()):
            for result, kernels in (('failed', ('6.1', '6.12')), ('passed', ('6.1',))):
                check_kernels.run(Options(kernels=kernels), {'kselftest': lambda _, case=result: single('a', case)})
            text = (Path(directory) / check_kernels.TABLE).read_text(encoding='utf-8')
        self.assertEqual([row.split('",')[1][:14] for row in text.splitlines()[1:]],
                         ['kselftest,1,0,', 'kselftest,0,1,'])

    def test_a_reason_is_listed_once(self):
        tally = single('a', 'skipped', 'fio') + single('b', 'skipped', 'fio') + single('c', 'failed', 'wrong')
        row = check_kernels.Row('6.1', 'kselftest', {})
        self.assertEqual(check_kernels.line(row, tally, 'today'), ('6.1', 'kselftest', '0', '1', '2', 'fio', 'today'))

    def test_an_error_fails_its_row_only(self):
        def run_kselftest(options):
            if options.kernel == '6.1':
                raise UserError('the archive has no kernel 6.1')
            return single('a', 'passed')

        with tempfile.TemporaryDirectory() as directory, mock.patch.object(
                check_kernels, 'build_root', return_value=Path(directory)), \
                contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            tally = check_kernels.run(Options(), {'kselftest': run_kselftest, 'KUnit': run_kselftest})
            text = (Path(directory) / check_kernels.TABLE).read_text(encoding='utf-8')
        self.assertEqual(tally.failures(), ['6.1, Debian, x86_64: kselftest on 6.1, Debian, x86_64: '
                                            'the archive has no kernel 6.1'])
        self.assertEqual(text.count('\n'), len(check_kernels.rows('7.3')) + 1)


if __name__ == '__main__':
    unittest.main()
