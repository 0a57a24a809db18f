# SPDX-License-Identifier: GPL-2.0-only
"""Test the command that makes random calls to the driver."""

import contextlib
import io
import types
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from machine import guest
from verdict import soak
import trees

SOAK = {**trees.WIDGET, 'overlay.toml': trees.WIDGET['overlay.toml'] + '\n[selftests]\nsoak = "random"\n'}


class SoakTest(unittest.TestCase):
    """The run of the program."""

    def kernel(self, contents):
        subject = types.SimpleNamespace(main=trees.make_overlay(self, contents))
        return types.SimpleNamespace(name='um-debug', out=Path('/out'), subject=subject, debug=True, log=Path)

    def run_soak(self, status=0, **options):
        with mock.patch.object(guest, 'run', return_value=status) as run, \
             mock.patch.object(guest, 'slowness', return_value=6), \
             mock.patch.object(soak.build, 'build_selftests'), contextlib.redirect_stdout(io.StringIO()), \
             contextlib.redirect_stderr(io.StringIO()) as err:
            tally = soak.run(self.kernel(SOAK), 60, **options)
        return tally, run.call_args, err.getvalue()

    def test_program_receives_the_time_and_the_seed(self):
        tally, call, output = self.run_soak(seed=7)
        self.assertEqual(call.args[1], 'exec env WIDGET_SECONDS=60 WIDGET_SEED=7 /out/kselftest/widget/random')
        self.assertEqual(str(tally), '1 passed, 0 failed, 0 skipped')
        self.assertIn('SEED=7 repeats them', output)

    def test_time_limit_is_longer_than_the_run(self):
        self.assertEqual(self.run_soak()[1].kwargs['timeout'], 60 + 720)

    def test_seeds_differ(self):
        self.assertNotEqual(self.run_soak()[1].args[1], self.run_soak()[1].args[1])

    def test_difference_is_a_failure_with_the_seed(self):
        self.assertEqual(self.run_soak(1, seed=7)[0].failures(), ['soak SEED=7: the program ended with 1'])

    def test_report_is_a_failure(self):
        self.assertEqual(self.run_soak(guest.DIED, seed=7)[0].failures(),
                         [f'soak SEED=7: {guest.FAILURES[guest.DIED]}'])

    def test_overlay_without_a_program_is_an_error(self):
        with self.assertRaisesRegex(UserError, 'the overlay widget names no program for make soak'):
            soak.command(self.kernel(trees.WIDGET), 1, 1)


if __name__ == '__main__':
    unittest.main()
