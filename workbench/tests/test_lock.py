# SPDX-License-Identifier: GPL-2.0-only
"""Test locks between processes."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

from host import lock
from host.paths import WORKBENCH

# Acquires a lock, prints "held", and releases the lock at the end of its input.
HOLD = '''
import sys
sys.path.insert(0, sys.argv[1])
from host import lock
from pathlib import Path
with lock.held(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
'''


class LockTest(unittest.TestCase):
    """Test locks on a file and on a directory."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.path = self.directory / 'lock'
        self.messages = []
        patch = mock.patch.object(lock, 'say', self.messages.append)
        patch.start()
        self.addCleanup(patch.stop)

    @contextlib.contextmanager
    def holder(self, path, *arguments):
        """Run another process that holds a lock."""
        child = subprocess.Popen([sys.executable, '-c', HOLD, WORKBENCH, path, *arguments],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(child.stdout.readline(), b'held\n')
        try:
            yield child
        finally:
            child.communicate()

    def test_the_message_names_the_holder_and_its_command(self):
        for path in (self.path, self.directory):
            with self.subTest(path), self.holder(path, '/x/workbench', 'test') as child:
                with mock.patch.object(lock, 'say', side_effect=KeyboardInterrupt) as say, \
                     self.assertRaises(KeyboardInterrupt):
                    lock.acquire(path)
                say.assert_called_once_with(f'waiting for PID {child.pid}: make test')

    def test_another_program_is_named_by_its_command_line(self):
        with self.holder(self.path) as child, \
             mock.patch.object(lock, 'say', side_effect=KeyboardInterrupt) as say, \
             self.assertRaises(KeyboardInterrupt):
            lock.acquire(self.path)
        self.assertIn(f'PID {child.pid}: {sys.executable} -c', say.call_args[0][0])

    def test_the_lock_is_named_if_its_holder_is_not_visible(self):
        with self.holder(self.path), mock.patch.object(lock, '_holders', return_value=[]), \
             mock.patch.object(lock, 'say', side_effect=KeyboardInterrupt) as say, \
             self.assertRaises(KeyboardInterrupt):
            lock.acquire(self.path)
        say.assert_called_once_with(f'waiting for the lock {self.path}')

    def test_a_free_lock_is_acquired_without_a_message(self):
        with lock.held(self.path):
            pass
        with lock.held(self.directory):
            pass
        self.assertEqual(self.messages, [])

    def test_a_lock_file_that_its_holder_removed_is_created_again(self):
        os.mkdir(self.directory / 'build')
        path = self.directory / 'build/.lock'
        descriptor = lock.acquire(path)
        with mock.patch.object(lock, 'say') as say:
            waiting = threading.Event()
            say.side_effect = lambda _: waiting.set()
            results = []
            thread = threading.Thread(target=lambda: results.append(lock.acquire(path)))
            thread.start()
            self.assertTrue(waiting.wait(10))
            path.unlink()
            path.parent.rmdir()
            os.close(descriptor)
            thread.join(10)
        self.assertTrue(os.path.samestat(os.fstat(results[0]), os.stat(path)))
        os.close(results[0])


if __name__ == '__main__':
    unittest.main()
