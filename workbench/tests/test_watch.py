# SPDX-License-Identifier: GPL-2.0-only
"""Test the order of the programs, the screen, and the command on a pseudo-terminal."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from host.paths import WORKBENCH
from verdict import quick, watch
from verdict.kselftest import Program
from verdict.tally import single

SOURCE = Path('/w/drivers/misc/widget')

# A run of the command whose guests are processes that sleep. A file "fails" makes a program fail.
COMMAND = '''
import contextlib, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace as Names
from unittest import mock
from host import guard, process
from host.paths import make_scratch
from kernel import build
from verdict import quick, watch
from verdict.kselftest import Program

directory = Path(sys.argv[1])
private = directory / 'private'
SUITES = 'KTAP version 1\\n1..1\\n    # Subtest: widget\\n    1..1\\n    ok 1 works\\nok 1 widget\\n'

class Guests:
    def __init__(self, kernel, show, begin):
        self.kernel, self.show, self.begin = kernel, show, begin
        self.kunit = {'KUnit': SUITES.splitlines()}
        self.durations = Names(save=lambda: None, over_budget=lambda names: [])
        self.lines = []
        self.output = Names(lines=self.lines)
        # A child ends with the thread that started it.
        self.pool = ThreadPoolExecutor(1)
        self.child = self.pool.submit(process.start, ['sleep', '1000']).result()
    def run(self, programs, urgent):
        with open(private / 'order', 'a') as file:
            file.write(' '.join(program.name for program in programs) + '\\n')
        for program in programs:
            if isinstance(program, quick.Suites):
                continue
            self.begin(str(program))
            word = 'not ok' if (private / 'fails').exists() and program.name == 'seek' else 'ok'
            lines = [f'# selftests: {program}', '# 1..1', '# # seek.c:7:at_the_end:Expected 1 == 2' * (word != 'ok'),
                     f'# {word} 1 at_the_end', f'{word} 1 selftests: {program}']
            self.lines += lines
            self.show(lines)
        return 0
    def close(self):
        process.stop(self.child)
        self.pool.shutdown()

def work():
    guard.accept_signals()
    image = private / 'linux'
    image.touch()
    kernel = Names(image=image, subject=Names(targets=['widget'], overlays=[]))
    programs = [Program('widget', 'open'), Program('widget', 'seek'), quick.suites()]
    contents = lambda kernel: [path.read_text() for path in sorted(directory.glob('*.c'))]
    with contextlib.ExitStack() as stack:
        for module, name, value in ((quick, 'guests_for', Guests), (quick, 'programs', lambda kernel, found: programs),
                                    (build, 'has_current_image', lambda kernel: True),
                                    (build, 'build', lambda kernel: None),
                                    (build, 'build_selftests', lambda kernel: []),
                                    (build, 'state_of_tests', contents)):
            stack.enter_context(mock.patch.object(module, name, value))
        try:
            watch.Watch(lambda: kernel, contextlib.nullcontext).follow(lambda: {directory})
        except KeyboardInterrupt:
            return 130

sys.exit(guard.run(work, make_scratch()))
'''


class OrderTest(unittest.TestCase):
    """Test which programs run first."""

    PROGRAMS = [Program('widget', name) for name in ('open', 'poll', 'modinfo.sh')]

    def order(self, failed, *paths):
        programs = watch.order([*self.PROGRAMS, quick.suites()], failed, set(paths))
        return [program.name for program in programs]

    def test_the_programs_that_failed_are_first(self):
        self.assertEqual(self.order({self.PROGRAMS[1]})[0], 'poll')

    def test_the_program_with_the_name_of_the_file_is_next(self):
        self.assertEqual(self.order({self.PROGRAMS[1]}, SOURCE / 'open.c')[:2], ['poll', 'open'])
        self.assertEqual(self.order(set(), Path('/w/tools/modinfo.sh'))[0], 'modinfo.sh')

    def test_the_suites_are_first_after_a_change_of_a_suite(self):
        self.assertEqual(self.order(set(), Path('/w/lib/widget_kunit/race.c'))[0], 'KUnit')
        self.assertEqual(self.order(set(), SOURCE / 'widget_kunit.c')[0], 'KUnit')

    def test_the_others_keep_their_order(self):
        self.assertEqual(self.order(set()), ['open', 'poll', 'modinfo.sh', 'KUnit'])


class ScreenTest(unittest.TestCase):
    """Test the lines of the screen."""

    def setUp(self):
        self.state = watch.State()
        self.state.start('building')
        self.state.testing(3)
        self.state.began('widget: open')
        self.state.ended('widget: seek', single('seek: at_the_end', 'failed', 'Expected 1 == 2'))
        self.state.ended('widget: poll', single('poll: wakes', 'passed'))

    def test_the_screen_has_the_running_the_failed_and_the_passed(self):
        self.assertEqual(self.state.lines(80, 24, color=False), [
            'testing: 1 passed, 1 failed, 0 skipped, 2 of 3 programs', 'running widget: open',
            'failed  seek: at_the_end: Expected 1 == 2', 'passed  widget: poll'])

    def test_the_lines_fit_the_terminal(self):
        for width, height in ((20, 5), (10, 24), (200, 3)):
            with self.subTest(width=width, height=height):
                lines = self.state.lines(width, height, color=False)
                self.assertLess(len(lines), height)
                self.assertLessEqual(max(map(len, lines)), width)

    def test_the_failures_are_marked(self):
        self.assertIn('\033[31mfailed', '\n'.join(self.state.lines(80, 24)))


class TerminalTest(unittest.TestCase):
    """Test the command on a pseudo-terminal."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.file = self.directory / 'message.c'
        (self.directory / 'private').mkdir()
        self.file.write_text('1', encoding='ascii')
        self.leader, follower = pty.openpty()
        self.addCleanup(os.close, self.leader)
        os.environ.pop('COLUMNS', None)

        def set_terminal():
            os.setsid()
            with open(os.ttyname(0), 'rb'):
                pass
        self.child = subprocess.Popen(
            [sys.executable, '-B', '-c', COMMAND, str(self.directory)], stdin=follower, stdout=follower,
            stderr=follower, preexec_fn=set_terminal,
            env={**os.environ, 'PYTHONPATH': str(WORKBENCH), 'DIRECTORY': str(self.directory)})
        os.close(follower)
        self.addCleanup(self.child.wait)
        self.addCleanup(self.child.kill)
        self.screen = ''

    def wait_for(self, pattern):
        """Wait until the last screen matches a pattern."""
        deadline = time.monotonic() + 30
        while not re.search(pattern, self.screen, re.S):
            self.assertLess(time.monotonic(), deadline, self.screen)
            if select.select([self.leader], [], [], 0.1)[0]:
                self.screen = (self.screen + os.read(self.leader, 65536).decode()).rpartition('\033[H\033[2J')[2]

    def sleepers(self):
        """Return the processes that sleep in place of guests."""
        found = []
        for path in Path('/proc').glob('[0-9]*'):
            with contextlib.suppress(OSError):
                if (path / 'cmdline').read_bytes() == b'sleep\0001000\0' \
                   and str(self.directory).encode() in (path / 'environ').read_bytes():
                    found.append(path)
        return found

    def test_a_saved_file_runs_the_tests_again_and_failures_are_first(self):
        self.wait_for('done after .*3 passed, 0 failed')
        (self.directory / 'private/fails').touch()
        self.file.write_text('2', encoding='ascii')
        self.wait_for(r'done after .*2 passed, 1 failed.*failed  kselftest seek: at_the_end: .*Expected 1 == 2')
        (self.directory / 'private/fails').unlink()
        self.file.write_text('3', encoding='ascii')
        self.wait_for('done after .*3 passed, 0 failed')
        order = (self.directory / 'private/order').read_text(encoding='ascii').splitlines()
        self.assertEqual(order[-1], 'seek open KUnit')

    def test_a_file_that_changes_nothing_runs_no_test(self):
        self.wait_for('done after .*3 passed')
        (self.directory / 'notes').touch()
        self.wait_for('3 passed.*nothing that is built has changed')

    def test_nothing_is_left_behind(self):
        for how in ('Ctrl-C', 'SIGTERM'):
            with self.subTest(how):
                if how == 'SIGTERM':
                    self.setUp()
                self.wait_for('done after .*3 passed')
                deadline = time.monotonic() + 30
                while not self.sleepers():
                    self.assertLess(time.monotonic(), deadline, 'no guest waits')
                    time.sleep(0.02)
                if how == 'Ctrl-C':
                    os.write(self.leader, b'\x03')
                else:
                    self.child.send_signal(signal.SIGTERM)
                self.assertEqual(self.child.wait(30), 130)
                self.assertEqual(self.sleepers(), [])


if __name__ == '__main__':
    unittest.main()
