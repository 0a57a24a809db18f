# SPDX-License-Identifier: GPL-2.0-only
"""Test the run of all tests in guests that wait: their commands, their output, their shares."""

import contextlib
import io
import os
import select
import subprocess
import tempfile
import threading
import time
import types
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from kernel import build
from machine.um import UM
from subject.overlay import Kunit, Selftests
from verdict import kselftest, quick
from verdict.count import count_kselftest
from verdict.kselftest import Program
from verdict.tally import Tally

OVERLAY = types.SimpleNamespace(description=types.SimpleNamespace(
    selftests=Selftests(parallel=('race',), on_request=('last',)), kunit=Kunit(parallel=('*.races',))))
SUBJECT = types.SimpleNamespace(name='widget', targets={'widget': OVERLAY}, overlays=[OVERLAY])

SUITES = ('KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: widget\n    1..2\n    ok 1 works\n'
          '    ok 2 races # SKIP requires two processors\nok 1 widget\n')
PARALLEL = 'KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: widget\n    1..1\n    ok 1 races\nok 1 widget\n'


def programs(*names):
    return [Program('widget', name) for name in names]


class QuickTest(unittest.TestCase):
    """The base of tests with a kernel in a directory."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        (self.directory / '.config').touch()
        self.kernel = types.SimpleNamespace(name='um', target=UM, debug=False, variant='', out=self.directory,
                                            subject=SUBJECT, tree=self.directory, release=lambda: '7.3',
                                            log=lambda name: self.directory / name)
        for module, name, value in ((kselftest, 'CACHE', self.directory),
                                    (build, 'kunit_modules', lambda kernel: ['widget_kunit'])):
            self.replace(module, name, value)

    def replace(self, module, name, value):
        patch = mock.patch.object(module, name, value)
        patch.start()
        self.addCleanup(patch.stop)


class OutputTest(QuickTest):
    """Test the output of the script of a guest, which runs here without a guest."""

    def output(self, *scripts):
        """Return the lines of kselftest and of KUnit after programs with these shell scripts have run."""
        target = self.directory / 'kselftest_install/widget'
        target.mkdir(parents=True)
        for number, text in enumerate(scripts):
            path = target / f'p{number}'
            path.write_text(f'#!/bin/sh\n{text}\n', encoding='ascii')
            path.chmod(0o755)
        lines = self.directory / 'lines'
        lines.write_text(''.join(f'widget p{number}\n' for number in range(len(scripts))) + 'end\n', encoding='ascii')
        script = quick.script(self.kernel, 1)
        ran = subprocess.run(['sh', '-c', f'exec 3<{lines}; {script}'], stdout=subprocess.PIPE, check=False)
        self.status = ran.returncode
        return self.passed_on(ran.stdout)

    def passed_on(self, data, size=7):
        lines, kunit = io.BytesIO(), {'KUnit': []}
        out = quick.GuestOutput(lines, kunit, 120)
        for start in range(0, len(data), size):
            out.write(data[start:start + size])
        out.finish()
        return lines.getvalue().decode().splitlines(), kunit['KUnit']

    def test_the_lines_are_those_of_the_runner_of_the_tree(self):
        lines, _ = self.output('echo TAP version 13; echo 1..1; echo ok 1 a')
        self.assertEqual(lines, ['# selftests: widget: p0', '# TAP version 13', '# 1..1', '# ok 1 a',
                                 'ok 0 selftests: widget: p0'])
        self.assertEqual(self.status, 0)

    def test_the_result_is_that_of_the_exit_status(self):
        for status, result, of_script in ((1, 'not ok 0 selftests: widget: p0 # exit=1', 1),
                                          (4, 'ok 0 selftests: widget: p0 # SKIP', 0),
                                          (2, 'ok 0 selftests: widget: p0 # XFAIL', 1),
                                          (124, 'not ok 0 selftests: widget: p0 # TIMEOUT 120 seconds', 1)):
            with self.subTest(status):
                lines, _ = self.output(f'exit {status}')
                self.assertEqual((lines[-1], self.status), (result, of_script))
            for path in (self.directory / 'kselftest_install/widget').iterdir():
                path.unlink()
            path.parent.rmdir()
            path.parent.parent.rmdir()

    def test_a_program_may_end_its_output_without_a_line_break(self):
        lines, _ = self.output('printf "ok 1 a"', 'echo ok 1 b')
        self.assertEqual(lines[1:3], ['# ok 1 a', 'ok 0 selftests: widget: p0'])
        self.assertEqual(lines[4:], ['# ok 1 b', 'ok 0 selftests: widget: p1'])

    def test_errors_are_lines_of_their_program(self):
        lines, _ = self.output('echo trouble >&2')
        self.assertIn('# trouble', lines)

    def test_a_program_fails_whose_guest_ends(self):
        lines, _ = self.passed_on(b'\n\x01workbench begin widget: p0\nok 1 a\nok')
        self.assertEqual(lines, ['# selftests: widget: p0', '# ok 1 a', '# ok'])
        with contextlib.redirect_stdout(io.StringIO()):
            output = kselftest.Output(types.SimpleNamespace(seconds={}))
            inner = output.add_guest()
            out = quick.GuestOutput(inner, {}, 120)
            out.write(b'\n\x01workbench begin widget: p0\nok 1 a\nok')
            out.finish()
            inner.finish()
        self.assertEqual(output.lines[-1], 'not ok 1 selftests: widget: p0 # the guest ended')

    def test_the_suites_are_not_lines_of_kselftest(self):
        data = f'\n\x01workbench begin KUnit\n{SUITES}\n\x01workbench end 0\n'
        lines, kunit = self.passed_on(data.encode())
        self.assertEqual((lines, '\n'.join(kunit)), ([], SUITES.rstrip('\n')))


class RunTest(QuickTest):
    """Test complete runs, with functions as guests."""

    INSTALLED = [('widget', 'race'), ('widget', 'open'), ('widget', 'seek')]

    def setUp(self):
        super().setUp()
        self.steps, self.ran, self.has_next = [], [], []
        self.lock, self.booting, self.most_booting, self.dies = threading.Lock(), 0, 0, False
        self.found = self.INSTALLED
        self.fails, self.hangs, self.suites = '', '', SUITES
        self.current = True
        for module, name, value in (
                (build, 'has_current_image', lambda kernel: self.current),
                (build, 'build', lambda kernel: self.steps.append('build')),
                (build, 'build_selftests', lambda kernel: self.found),
                (build, 'installed_selftests', lambda kernel: self.INSTALLED),
                (quick.guest, 'capacity', lambda kernel, guests: (guests, {'memory': '/m'})),
                (quick.guest, 'run', self.run_guest)):
            self.replace(module, name, value)

    def run_guest(self, kernel, command, log, timeout, limit, gate, out, should_stop, processors, **_):
        self.steps.append('boot')
        with self.lock:
            self.booting += 1
            self.most_booting = max(self.booting, self.most_booting)
        time.sleep(0.02)
        with self.lock:
            self.booting -= 1
        if self.dies:
            return quick.guest.DIED
        gate.attach(self.directory)
        while not gate.is_open:
            if should_stop():
                return quick.guest.STOPPED
            time.sleep(0.01)
        with open(os.dup(gate.read_end), 'rb', buffering=0) as lines:
            for line in iter(lines.readline, b'end\n'):
                name = line.decode().strip()
                if name == self.hangs:
                    log.write_text('[    0.100000]     # Subtest: widget\n[    0.200000]     ok 1 works\n')
                    out.write(f'\n\x01workbench begin {name}\n'.encode())
                    return quick.guest.TIMED_OUT
                if line != b'go\n':
                    self.run_program(out, line.decode().removeprefix('widget ').strip(), processors, lines)
        return int(bool(self.fails))

    def run_program(self, out, name, processors, lines):
        self.ran.append((name, processors))
        ended = 1 if name == self.fails else 0
        text = {'KUnit': self.suites, 'KUnit *.races': PARALLEL}.get(name, f'1..1\n{"not " if ended else ""}ok 1 case')
        program = name if name.startswith('KUnit') else f'widget: {name}'
        out.write(f'\n\x01workbench begin {program}\n'.encode())
        self.has_next.append(bool(select.select([lines], [], [], 0)[0]))
        out.write(f'{text}\n\x01workbench end {ended}\n'.encode())

    def run_all(self):
        with contextlib.redirect_stdout(io.StringIO()) as out, mock.patch.object(quick, 'say', self.steps.append):
            tally = sum(quick.run(self.kernel), Tally())
        return tally, out.getvalue()

    def test_all_programs_and_suites_run_once(self):
        tally, _ = self.run_all()
        self.assertEqual({*tally.results}, {'KUnit widget.works', 'KUnit widget.races', 'kselftest race: case',
                                            'kselftest open: case', 'kselftest seek: case', 'kselftest last: case'})
        self.assertEqual(str(tally), '6 passed, 0 failed, 0 skipped')

    def test_what_races_has_two_processors(self):
        self.run_all()
        self.assertEqual({name: processors for name, processors in self.ran if name in ('race', 'KUnit *.races')},
                         {'race': 2, 'KUnit *.races': 2})
        self.assertEqual(len(self.ran), 6)

    def test_no_guest_waits_for_its_next_program(self):
        self.run_all()
        self.assertEqual(self.has_next, [True] * 6)

    def test_a_processor_remains_for_the_build_while_guests_boot(self):
        self.replace(build, 'JOBS', 3)
        self.run_all()
        self.assertEqual(self.most_booting, 2)

    def test_a_guest_that_does_not_boot_holds_up_no_other(self):
        acquire = threading.Semaphore.acquire

        def acquire_in_time(semaphore, **options):
            if options:
                return acquire(semaphore, **options)
            self.assertTrue(acquire(semaphore, timeout=5), 'the guest did not get its turn')
            return True

        self.replace(threading.Semaphore, 'acquire', acquire_in_time)
        self.replace(build, 'JOBS', 1)
        self.dies = True
        tally, _ = self.run_all()
        self.assertEqual(self.steps.count('boot'), 3)
        self.assertTrue(tally.failed)

    def test_short_programs_run_in_few_guests(self):
        durations = kselftest.Durations(self.kernel)
        durations.seconds = {'widget: open': 0.2, 'widget: seek': 0.1, 'widget: last': 0.1, 'KUnit': 0.3}
        durations.save()
        self.run_all()
        self.assertEqual(self.steps.count('boot'), 2, self.steps)

    def test_no_guest_has_two_processors_without_need(self):
        self.replace(quick, 'is_parallel', lambda kernel, program: False)
        self.run_all()
        self.assertEqual({processors for _, processors in self.ran}, {1})

    def test_the_guests_boot_before_the_build_unless_it_writes_the_image(self):
        self.run_all()
        self.assertLess(self.steps.index('boot'), self.steps.index('build') + 3)
        self.steps.clear()
        self.current = False
        self.run_all()
        self.assertEqual(self.steps[0], 'build')

    def test_a_failure_is_shown_with_its_lines_and_a_success_with_one(self):
        self.fails = 'open'
        tally, text = self.run_all()
        self.assertEqual(tally.failed, 1)
        self.assertIn('# not ok 1 case', text)
        self.assertNotIn('# ok 1 case', text)

    def test_a_build_that_fails_stops_the_guests(self):
        self.replace(build, 'build', mock.Mock(side_effect=UserError('error')))
        with self.assertRaises(UserError):
            self.run_all()

    def test_suites_without_a_result_are_a_failure(self):
        self.suites = ''
        tally, _ = self.run_all()
        self.assertIn('KUnit: no case ran', tally.failures())

    def test_a_case_of_the_suites_that_hangs_is_named(self):
        self.hangs = 'KUnit'
        tally, _ = self.run_all()
        self.assertIn('KUnit widget: did not end; the last result in its log is that of works', tally.failures())
        self.assertIn(f'the run: {quick.guest.FAILURES[quick.guest.TIMED_OUT]}', tally.failures())

    def test_a_program_that_takes_too_long_is_named(self):
        self.replace(kselftest, 'BUDGET', -1)
        self.run_all()
        self.assertTrue(any('widget: open took' in step for step in self.steps))

    def test_a_subject_without_tests_is_refused(self):
        self.found = []
        self.replace(build, 'kunit_modules', lambda kernel: [])
        with self.assertRaises(UserError):
            self.run_all()


class QueueTest(QuickTest):
    """Test which guest gets which program."""

    def setUp(self):
        super().setUp()
        self.durations = kselftest.Durations(self.kernel)
        self.queue = quick._Queue(self.kernel, self.durations)

    def take(self, has_two, is_alone=False):
        return [program.name for program in iter(lambda: self.queue.take(has_two, is_alone), None)]

    def test_the_longest_programs_are_first(self):
        self.durations.seconds = {'widget: open': 0.5, 'widget: seek': 3}
        self.queue.fill(programs('open', 'new', 'seek'), 0)
        self.assertEqual(self.take(False), ['seek', 'new', 'open'])

    def test_urgent_programs_are_before_long_ones(self):
        self.durations.seconds = {'widget: seek': 3}
        self.queue.fill(programs('b', 'a', 'seek'), 2)
        self.assertEqual(self.take(False), ['b', 'a', 'seek'])

    def test_programs_that_change_the_machine_are_last(self):
        self.durations.seconds = {'widget: last': 9}
        self.queue.fill(programs('last', 'open', 'seek'), 1)
        self.assertEqual(self.take(False), ['open', 'seek', 'last'])

    def test_only_a_guest_with_two_processors_gets_what_races(self):
        self.queue.fill([*programs('open', 'race'), quick.suites('*.races')], 0)
        self.assertEqual(self.take(False), ['open'])
        self.assertEqual(sorted(self.take(True)), ['KUnit', 'race'])

    def test_a_single_guest_gets_all_programs(self):
        self.queue.fill(programs('open', 'race'), 0)
        self.assertEqual(self.take(True, is_alone=True), ['open', 'race'])

    def test_the_duration_of_each_program_is_recorded(self):
        self.queue.begin('widget: open')
        self.queue.end('widget: open')
        self.assertIn('widget: open', self.durations.seconds)


class CountTest(unittest.TestCase):
    """Test the names of the cases."""

    def test_the_names_are_those_of_make_kselftest(self):
        text = '# selftests: widget: open\n# 1..1\n# ok 1 open.closes\nok 1 selftests: widget: open\n'
        self.assertEqual(count_kselftest(text, programs('open')).results, {'kselftest open: open.closes': 'passed'})


if __name__ == '__main__':
    unittest.main()
