# SPDX-License-Identifier: GPL-2.0-only
"""Test the table of make try on several kernels, its agent, and the hints for older kernels."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from host.console import UserError
from host.environment import environment
from host.paths import WORKBENCH
from trial import hints, kernels
from trial.compilation import _explain
from trial.kernels import HANGS, NO, YES, Column


def events(*steps):
    """Return the output of the agent for events: a name, a status and a text."""
    return ''.join('\t'.join([name, 'a', status, text]) + '\n' for name, status, text in steps)


EVENTS = events(('begin', '0', 'loads'), ('loads', '0', ''), ('begin', '0', 'tests'), ('tests', '2', '/dev/a: finding'))
UNLOAD = events(('begin', '0', 'unloads'))


class ColumnTest(unittest.TestCase):
    """Test a column from the events of a guest."""

    def read(self, output, why=HANGS):
        column = Column('6.1')
        kernels.read(column, output, why)
        return column

    def test_each_step_has_a_cell(self):
        column = self.read(EVENTS + UNLOAD + events(('unloads', '0', '')))
        self.assertEqual([column.cell('a', step) for step in ('loads', 'tests', 'unloads')], [YES, NO, YES])
        self.assertEqual(column.notes, ['a on 6.1: tests: no: /dev/a: finding'])

    def test_a_step_that_does_not_end_has_the_reason(self):
        column = self.read(EVENTS + UNLOAD)
        self.assertEqual(column.cell('a', 'unloads'), HANGS)

    def test_one_failed_test_of_several_fails_the_step(self):
        column = self.read(EVENTS + events(('tests', '0', '/dev/b')))
        self.assertEqual(column.cell('a', 'tests'), NO)

    def test_a_step_without_an_event_is_unknown(self):
        self.assertEqual(self.read('noise\n').cell('a', 'loads'), '-')


class TableTest(unittest.TestCase):
    """Test the table and the tally."""

    def test_the_table_has_a_column_for_each_kernel(self):
        columns = [Column('6.1', {('hello', 'builds'): NO}), Column('6.12', {('hello', 'builds'): YES})]
        self.assertEqual(kernels.table(columns)[:3], ['hello          6.1     6.12', '  builds        no      yes',
                                                      '  loads          -        -'])
        tally = kernels.tally(columns)
        self.assertEqual((tally.passed, tally.failed), (1, 1))
        self.assertEqual(tally.failures(), ['hello on 6.1: builds'])

    def test_a_kernel_that_is_missing_does_not_stop_the_others(self):
        def kernel(version, *_):
            raise UserError(f'no kernel {version}')
        options = SimpleNamespace(kernels=('9.9', '9.8'), cmd='', timeout=None)
        with mock.patch.object(kernels.distro, 'DistroKernel', kernel), \
             mock.patch.object(kernels, 'say'), mock.patch('builtins.print') as printed:
            tally = kernels.run(options, [Path('/hello')], Path('/work'), None)
        self.assertEqual([call.args[0] for call in printed.call_args_list],
                         ['9.9: no kernel 9.9', '9.8: no kernel 9.8'])
        self.assertEqual(tally.failed, 2)


class AgentTest(unittest.TestCase):
    """Test the agent with other commands in place of insmod and rmmod."""

    def run_agent(self, insmod):
        with tempfile.TemporaryDirectory() as directory:
            for name, script in (('insmod', insmod), ('rmmod', 'echo "in use" >&2; exit 1'), ('find', 'true')):
                program = Path(directory, name)
                program.write_text(f'#!/bin/sh\n{script}\n')
                program.chmod(0o755)
            command = ['sh', WORKBENCH / 'trial/agent.sh', '/', '', 'echo text; exit 3', '/m/a-b.ko', '/m/c.ko']
            result = subprocess.run(command, env=environment(PATH=f'{directory}:{os.defpath}:/usr/bin:/bin'),
                                    capture_output=True, text=True, check=False)
        column = Column('x')
        kernels.read(column, result.stdout, HANGS)
        return column

    def test_modules_are_loaded_used_and_unloaded(self):
        column = self.run_agent('true')
        self.assertEqual(column.cells, {('a_b', 'loads'): YES, ('c', 'loads'): YES, ('c', 'tests'): NO,
                                        ('c', 'unloads'): NO, ('a_b', 'unloads'): NO})
        self.assertIn('c on x: tests: no: text', column.notes)

    def test_nothing_follows_a_module_that_does_not_load(self):
        self.assertEqual(self.run_agent('exit 1').cells, {('a_b', 'loads'): NO})


class HintsTest(unittest.TestCase):
    """Test the hints for a module that is newer than the kernel."""

    MESSAGES = {
        'kmalloc_obj': "error: implicit declaration of function 'kzalloc_obj'; did you mean",
        'scoped_seqlock_read': "error: implicit declaration of function 'scoped_seqlock_read'",
        'mmap_prepare': "error: 'const struct file_operations' has no member named 'mmap_prepare'",
        'timer_container_of': "error: implicit declaration of function 'timer_container_of'",
        'hrtimer_setup': "error: implicit declaration of function 'hrtimer_setup'",
        'copy_splice_read': "error: 'copy_splice_read' undeclared here (not in a function)",
        'class_create': 'error: macro "class_create" requires 2 arguments, but only 1 given',
        'vm_flags_set': "error: implicit declaration of function 'vm_flags_set'",
        'timer_delete_sync': "error: implicit declaration of function 'timer_delete_sync'",
        'header': 'fatal error: linux/sprintf.h: No such file or directory',
    }

    def test_a_general_hint_applies_if_no_other_does(self):
        message = 'demo/demo.c:1:10: fatal error: linux/{}.h: No such file or directory'
        for header, expected in (('of_gpio', 'since Linux 7.1: '), ('newer', 'This kernel does not have the header.')):
            with self.subTest(header):
                first, *rest = _explain([message.format(header)])
                self.assertTrue(first.startswith(expected), first)
                self.assertEqual(len(rest), 1)

    def test_each_hint_explains_its_message(self):
        self.assertEqual({hint.name for hint in hints.load(hints.INTRODUCED)}, set(self.MESSAGES))
        for name, message in self.MESSAGES.items():
            found = hints.find([f'/w/a.c:3:5: {message}'], hints.INTRODUCED)
            self.assertEqual([hint.name for hint, _ in found], [name])


if __name__ == '__main__':
    unittest.main()
