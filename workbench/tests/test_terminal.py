# SPDX-License-Identifier: GPL-2.0-only
"""The terminal is as it was after a guest had it: a pseudoterminal stands in for it."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
import tty
import unittest
from unittest import mock

from host import terminal
from host.paths import WORKBENCH

# Takes the terminal that is its standard input, changes it as a guest does, and
# waits to be killed.
GUEST = '''
import fcntl, os, signal, sys, time, tty
sys.path.insert(0, sys.argv[1])
from host import terminal
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, interrupt)
with terminal.lent() as fd:
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)
    if len(sys.argv) > 2:
        fcntl.fcntl(0, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)
    tty.setraw(fd)
    print('ready', file=sys.stderr, flush=True)
    time.sleep(60)
'''


class TerminalTest(unittest.TestCase):
    """Each case has a pseudoterminal; state() is what a shell on it would notice."""

    def setUp(self):
        self.master, self.fd = os.openpty()
        for each in (self.master, self.fd):
            self.addCleanup(os.close, each)
        self.before = self.state()

    def state(self):
        return termios.tcgetattr(self.fd), fcntl.fcntl(self.fd, fcntl.F_GETFL)

    def change(self, fd):
        tty.setraw(fd)
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)

    def test_settings_and_flags_are_restored(self):
        with terminal.lent(self.fd) as guests:
            self.change(guests)
            self.assertNotEqual(self.state(), self.before)
        self.assertEqual(self.state(), self.before)

    def test_they_are_restored_after_an_error(self):
        with self.assertRaises(KeyboardInterrupt), terminal.lent(self.fd) as guests:
            self.change(guests)
            raise KeyboardInterrupt
        self.assertEqual(self.state(), self.before)

    def test_flags_are_restored_where_the_terminal_cannot_be_opened_again(self):
        with mock.patch.object(terminal.os, 'open', side_effect=PermissionError), \
             terminal.lent(self.fd) as guests:
            self.change(guests)
            self.assertTrue(self.state()[1] & os.O_NONBLOCK)
        self.assertEqual(self.state(), self.before)

    def test_what_a_guest_writes_is_on_the_terminal(self):
        with terminal.lent(self.fd) as guests:
            os.write(guests, b'hello')
            self.assertEqual(os.read(self.master, 100), b'hello')

    def test_no_descriptor_stays_open(self):
        with terminal.lent(self.fd) as guests:
            pass
        with self.assertRaises(OSError):
            os.fstat(guests)

    def killed(self, signal_number, *arguments):
        """Kill a process that has lent the terminal, by a signal."""
        with subprocess.Popen([sys.executable, '-B', '-c', GUEST, str(WORKBENCH), *arguments],
                              stdin=self.fd, stderr=subprocess.PIPE) as process:
            self.assertEqual(process.stderr.readline(), b'ready\n')
            process.send_signal(signal_number)
            process.stderr.read()

    def test_both_are_restored_when_the_workbench_is_terminated(self):
        self.killed(signal.SIGTERM, 'shared')
        self.assertEqual(self.state(), self.before)

    def test_the_flags_stay_even_when_it_is_killed(self):
        self.killed(signal.SIGKILL)
        self.assertEqual(self.state()[1], self.before[1])


if __name__ == '__main__':
    unittest.main()
