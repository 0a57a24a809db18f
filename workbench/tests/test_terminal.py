# SPDX-License-Identifier: GPL-2.0-only
"""Test that the terminal is restored after a guest used it, with a pseudoterminal."""

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

# Changes the terminal on its standard input as a guest does, and waits until it is
# killed.
GUEST = '''
import fcntl, os, signal, sys, time, tty
sys.path.insert(0, sys.argv[1])
from host import terminal
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, interrupt)
with terminal.preserved() as fd:
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)
    if len(sys.argv) > 2:
        fcntl.fcntl(0, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)
    tty.setraw(fd)
    print('ready', file=sys.stderr, flush=True)
    time.sleep(60)
'''


class TerminalTest(unittest.TestCase):
    """Test the state of a pseudoterminal, as a shell on it would notice it."""

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
        with terminal.preserved(self.fd) as guest_fd:
            self.change(guest_fd)
            self.assertNotEqual(self.state(), self.before)
        self.assertEqual(self.state(), self.before)

    def test_settings_and_flags_are_restored_after_an_error(self):
        with self.assertRaises(KeyboardInterrupt), terminal.preserved(self.fd) as guest_fd:
            self.change(guest_fd)
            raise KeyboardInterrupt
        self.assertEqual(self.state(), self.before)

    def test_flags_are_restored_if_the_terminal_cannot_be_opened_again(self):
        with mock.patch.object(terminal.os, 'open', side_effect=PermissionError), \
             terminal.preserved(self.fd) as guest_fd:
            self.change(guest_fd)
            self.assertTrue(self.state()[1] & os.O_NONBLOCK)
        self.assertEqual(self.state(), self.before)

    def test_the_output_of_a_guest_is_on_the_terminal(self):
        with terminal.preserved(self.fd) as guest_fd:
            os.write(guest_fd, b'hello')
            self.assertEqual(os.read(self.master, 100), b'hello')

    def test_no_descriptor_remains_open(self):
        with terminal.preserved(self.fd) as guest_fd:
            pass
        with self.assertRaises(OSError):
            os.fstat(guest_fd)

    def run_and_signal(self, signal_number, *arguments):
        """Start a process that gives the terminal to a guest, and send it a signal."""
        with subprocess.Popen([sys.executable, '-B', '-c', GUEST, str(WORKBENCH), *arguments],
                              stdin=self.fd, stderr=subprocess.PIPE) as process:
            self.assertEqual(process.stderr.readline(), b'ready\n')
            process.send_signal(signal_number)
            process.stderr.read()

    def test_settings_and_flags_are_restored_after_sigterm(self):
        self.run_and_signal(signal.SIGTERM, 'shared')
        self.assertEqual(self.state(), self.before)

    def test_flags_are_unchanged_after_sigkill(self):
        self.run_and_signal(signal.SIGKILL)
        self.assertEqual(self.state()[1], self.before[1])


if __name__ == '__main__':
    unittest.main()
