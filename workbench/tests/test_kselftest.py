# SPDX-License-Identifier: GPL-2.0-only
"""Test the distribution of kselftests among guests, and the merged output."""

import contextlib
import io
import json
import tempfile
import threading
import time
import types
import unittest
from pathlib import Path
from unittest import mock

from host.paths import WORKBENCH
from machine.distro import DISTRO
from machine.qemu import X86_64
from machine.um import UM
from subject.overlay import Selftests
from verdict import kselftest


SUBJECT = types.SimpleNamespace(name='widget', targets={'widget': types.SimpleNamespace(
    description=types.SimpleNamespace(selftests=Selftests(parallel=('concurrent',))))})


def programs(*names):
    return [kselftest.Program('widget', name) for name in names]


class CommandTest(unittest.TestCase):
    """Test the command that runs the programs in a guest."""

    def test_each_kind_of_guest_has_the_same_script(self):
        for target in (UM, X86_64, DISTRO):
            with self.subTest(target.name):
                kernel = types.SimpleNamespace(target=target, debug=False)
                text = kselftest.command(kernel, programs('open', 'seek'), '/a directory')
                self.assertIn(f"sh {WORKBENCH}/machine/init/selftests '/a directory' 120 <<END\n"
                              'widget open\nwidget seek\nEND', text)


class DistributionTest(unittest.TestCase):
    """Test which guest runs which programs."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        patch = mock.patch.object(kselftest, 'CACHE', Path(directory.name))
        patch.start()
        self.addCleanup(patch.stop)
        (Path(directory.name) / '.config').write_text('CONFIG_SMP=y\n', encoding='utf-8')
        self.kernel = types.SimpleNamespace(name='um', target=UM, variant='', debug=False, out=Path(directory.name),
                                            release=lambda: '7.3', subject=SUBJECT)
        self.durations = kselftest.Durations(self.kernel)

    def test_the_shares_have_similar_durations(self):
        self.durations.seconds = {'a': 5, 'b': 3, 'c': 2, 'd': 1}
        self.assertEqual(self.durations.partition('abcd', 2), [['a', 'd'], ['b', 'c']])

    def test_a_program_without_a_duration_is_in_a_share(self):
        self.assertEqual(self.durations.partition(['new'], 1), [['new']])

    def test_no_share_is_empty(self):
        self.assertEqual(self.durations.partition(['a'], 3), [['a']])

    def test_only_programs_that_race_have_two_processors(self):
        guests = kselftest._guests(self.kernel, self.durations, programs('open', 'concurrent', 'seek'))
        self.assertEqual([share for share, processor in guests if processor is None],
                         [programs('concurrent')])
        self.assertEqual(sorted(program.name for share, _ in guests for program in share),
                         ['concurrent', 'open', 'seek'])

    def test_the_race_detector_has_two_processors(self):
        self.kernel.target, self.kernel.debug = X86_64, True
        guests = kselftest._guests(self.kernel, self.durations, programs('open', 'concurrent'))
        self.assertEqual(guests, [(programs('open', 'concurrent'), None)])

    def test_the_number_of_guests_is_limited(self):
        names = programs('open', 'concurrent', 'seek', 'poll', 'mmap')
        for most in (3, 2, 1):
            with self.subTest(most):
                guests = kselftest._guests(self.kernel, self.durations, names, most)
                self.assertLessEqual(len(guests), most)
                self.assertEqual(sorted(name for share, _ in guests for name in share), sorted(names))

    def test_durations_are_stored(self):
        self.durations.seconds['a'] = 7
        self.durations.save()
        self.assertEqual(kselftest.Durations(self.kernel).seconds, {'a': 7})
        self.assertEqual([path.name for path in self.durations.path.parent.glob('kselftest*')],
                         ['kselftest-um-widget.json'])

    def test_durations_of_another_configuration_or_release_or_machine_are_ignored(self):
        self.durations.seconds['a'] = 7
        self.durations.save()
        config = self.kernel.out / '.config'
        with self.subTest('configuration'):
            config.write_text('CONFIG_SMP=n\n', encoding='utf-8')
            self.assertEqual(kselftest.Durations(self.kernel).seconds, {})
            config.write_text('CONFIG_SMP=y\n', encoding='utf-8')
        with self.subTest('release'), mock.patch.object(self.kernel, 'release', lambda: '7.4'):
            self.assertEqual(kselftest.Durations(self.kernel).seconds, {})
        with self.subTest('processors'), mock.patch.object(kselftest.build, 'JOBS', 64):
            self.assertEqual(kselftest.Durations(self.kernel).seconds, {})
        self.assertEqual(kselftest.Durations(self.kernel).seconds, {'a': 7})

    def test_each_subject_has_its_own_durations(self):
        self.durations.seconds['a'] = 7
        self.durations.save()
        self.kernel.subject = types.SimpleNamespace(name='a/b')
        self.assertEqual(kselftest.Durations(self.kernel).seconds, {})

    def test_programs_that_take_longer_than_their_budget_are_named(self):
        self.durations.seconds = {'a': 2.0, 'b': 2.1, 'c': 30}
        self.assertEqual(self.durations.over_budget('abd'), ['b took 2.1 s; a program has 2 s'])

    def test_a_damaged_file_of_durations_is_ignored(self):
        system = json.dumps(self.durations.system)
        for damaged in ('{', '[]', '{"a": 7}', f'{{"system": {system}, "seconds": []}}',
                        f'{{"system": {system}, "seconds": {{"a": "x"}}}}'):
            with self.subTest(damaged):
                self.durations.path.write_text(damaged, encoding='utf-8')
                self.assertEqual(kselftest.Durations(self.kernel).seconds, {})


class OutputTest(unittest.TestCase):
    """Test the merged output of two guests."""

    def setUp(self):
        self.output = kselftest.Output(types.SimpleNamespace(seconds={}))
        self.first = self.output.add_guest()
        self.second = self.output.add_guest()

    def write(self, guest_output, data):
        with contextlib.redirect_stdout(io.StringIO()):
            guest_output.write(data)

    def test_programs_are_not_mixed_and_are_numbered_as_they_end(self):
        self.write(self.first, b'# ok 1 a\n')
        self.write(self.second, b'# ok 1 b\nok 1 selftests: widget: B\n')
        self.write(self.first, b'not ok 1 selftests: widget: A # exit=1\n')
        self.assertEqual(self.output.lines, [
            '# ok 1 b', 'ok 1 selftests: widget: B',
            '# ok 1 a', 'not ok 2 selftests: widget: A # exit=1'])

    def test_a_line_may_be_written_in_parts(self):
        self.write(self.first, b'ok 1 selftests: wid')
        self.write(self.first, b'get: A\n')
        self.assertEqual(self.output.lines, ['ok 1 selftests: widget: A'])

    def test_the_program_fails_in_which_a_guest_dies(self):
        self.write(self.first, b'# selftests: widget: A\n# ok 1 a\n# ok')
        self.write(self.second, b'# ok 1 b\nok 1 selftests: widget: B\n')
        with contextlib.redirect_stdout(io.StringIO()):
            self.first.finish()
        self.assertEqual(self.output.lines[2:], ['# selftests: widget: A', '# ok 1 a', '# ok',
                                                 'not ok 2 selftests: widget: A # the guest ended'])

    def test_lines_outside_of_a_program_are_kept(self):
        self.write(self.first, b'make: *** Error 2')
        with contextlib.redirect_stdout(io.StringIO()):
            self.first.finish()
        self.assertEqual(self.output.lines, ['make: *** Error 2'])

    def test_the_duration_of_each_program_is_recorded(self):
        self.write(self.first, b'ok 1 selftests: widget: A\n')
        self.assertIn('widget: A', self.output.durations.seconds)


class RunTest(unittest.TestCase):
    """Test complete runs, with functions as guests."""

    PROGRAMS = ['concurrent', 'open', 'seek']

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        (self.directory / '.config').touch()
        self.kernel = types.SimpleNamespace(name='um', target=UM, variant='', debug=False, out=self.directory,
                                            tree='/tree',
                                            subject=SUBJECT, release=lambda: '7.3',
                                            log=lambda name: self.directory / name)
        self.calls = []
        self.messages = []
        for module, name, value in ((kselftest, 'CACHE', self.directory),
                                    (kselftest.build, 'build_selftests', mock.Mock()),
                                    (kselftest, 'programs', lambda kernel: programs(*self.PROGRAMS)),
                                    (kselftest, 'say', self.messages.append),
                                    (kselftest.guest, 'capacity', lambda kernel, guests: (guests, {'memory': '/m'}))):
            patch = mock.patch.object(module, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def run_with(self, run_guest, **options):
        """Run the kselftests with a function in place of guest.run(); return the tally."""
        def call(kernel, command, *arguments, **keywords):
            self.calls.append((command, arguments, keywords))
            return run_guest(command, **keywords)
        with mock.patch.object(kselftest.guest, 'run', call), contextlib.redirect_stdout(io.StringIO()):
            return kselftest.run(self.kernel, **options)

    def passing(self, command, out, **_):
        """Print the output of a guest in which all programs pass."""
        for name in self.PROGRAMS:
            if f'widget {name}\n' in command:
                out.write(f'# selftests: widget: {name}\n# 1..1\n# ok 1 a\nok 1 selftests: widget: {name}\n'.encode())
        return 0

    def test_the_programs_of_all_guests_are_counted(self):
        self.assertEqual(str(self.run_with(self.passing)), '3 passed, 0 failed, 0 skipped')
        self.assertEqual({keywords['location']['memory'] for _, _, keywords in self.calls}, {'/m'})

    def test_fewer_guests_run_if_memory_is_short(self):
        with mock.patch.object(kselftest.guest, 'capacity', lambda kernel, guests: (1, {})):
            self.assertEqual(str(self.run_with(self.passing)), '3 passed, 0 failed, 0 skipped')
        self.assertEqual(len(self.calls), 1)
        self.assertIn('memory for 1 of', self.messages[0])

    def test_the_limit_of_silence_is_longer_than_that_of_a_program(self):
        for debug, limit in kselftest.PROGRAM_LIMIT.items():
            self.kernel.debug = debug
            self.run_with(self.passing)
            for command, _, keywords in self.calls:
                self.assertIn(f' {limit} <<END\n', command)
                self.assertTrue(limit < keywords['silence'] < 15 * 60)
            self.calls.clear()

    def test_a_time_limit_of_the_user_applies_to_each_guest(self):
        self.run_with(self.passing, timeout=7)
        self.assertEqual({arguments[1] for _, arguments, _ in self.calls}, {7})

    def test_a_guest_that_fails_stops_the_others(self):
        waiting = threading.Event()

        def run_guest(command, out, should_stop, **_):
            if 'widget concurrent\n' in command:
                waiting.wait(10)
                out.write(b'# selftests: widget: concurrent\n# 1..1\n')
                return kselftest.guest.DIED
            waiting.set()
            deadline = time.monotonic() + 10
            while not should_stop() and time.monotonic() < deadline:
                time.sleep(0.01)
            return kselftest.guest.STOPPED

        tally = self.run_with(run_guest)
        self.assertEqual(tally.failures()[0], f'kselftest: {kselftest.guest.FAILURES[kselftest.guest.DIED]}')
        self.assertIn('kselftest did not run open seek', tally.failures())


class UnsupportedTest(unittest.TestCase):
    """Programs that a kernel cannot run."""

    def reason(self, variant, **tables):
        selftests = types.SimpleNamespace(unsupported=tables, races=())
        overlay = types.SimpleNamespace(description=types.SimpleNamespace(selftests=selftests))
        kernel = types.SimpleNamespace(target=UM, variant=variant, debug=variant == 'debug',
                                       subject=types.SimpleNamespace(targets={'widget': overlay}))
        return kselftest.unsupported(kernel, kselftest.Program('widget', 'open'))

    def test_table_of_the_target(self):
        self.assertEqual(self.reason('', um={'open': 'files'}), 'files')
        self.assertEqual(self.reason('debug', um={'open': 'files'}), 'files')

    def test_table_of_a_variant_replaces_it(self):
        self.assertEqual(self.reason('debug', um={'open': 'files'}, **{'um-debug': {}}), '')
        self.assertEqual(self.reason('', um={}, **{'um-debug': {'open': 'files'}}), '')

    def test_table_of_debug_applies_as_well(self):
        self.assertEqual(self.reason('debug', debug={'open': 'locks'}, **{'um-debug': {}}), 'locks')


if __name__ == '__main__':
    unittest.main()
