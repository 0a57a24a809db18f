# SPDX-License-Identifier: GPL-2.0-only
"""Test which changes of files are reported."""

import os
import tempfile
import threading
import unittest
from pathlib import Path

from host.inotify import Watcher

LONG = 30


class WatcherTest(unittest.TestCase):
    """Test changes below a directory."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.file = self.directory / 'message.c'
        self.file.touch()
        self.watcher = Watcher()
        self.addCleanup(self.watcher.close)
        self.watcher.watch([self.directory])

    def test_nothing_is_reported_without_a_change(self):
        self.file.read_bytes()
        self.assertEqual(self.watcher.wait(0.05), set())

    def test_a_file_that_is_written_is_reported(self):
        self.file.write_text('x', encoding='ascii')
        self.assertEqual(self.watcher.wait(LONG), {self.file})

    def test_a_new_file_is_reported_when_it_is_closed(self):
        with open(self.directory / 'new', 'w', encoding='ascii'):
            self.assertEqual(self.watcher.wait(0.05), set())
        self.assertEqual(self.watcher.wait(LONG), {self.directory / 'new'})

    def test_a_file_that_an_editor_replaces_is_reported(self):
        part = self.directory / 'part'
        part.write_text('x', encoding='ascii')
        os.replace(part, self.file)
        self.assertIn(self.file, self.watcher.wait(LONG))

    def test_a_file_that_is_removed_is_reported(self):
        self.file.unlink()
        self.assertEqual(self.watcher.wait(LONG), {self.file})

    def test_changes_that_follow_at_once_are_reported_together(self):
        for name in 'abc':
            (self.directory / name).write_text('x', encoding='ascii')
        self.assertEqual(self.watcher.wait(LONG), {self.directory / name for name in 'abc'})

    def test_a_change_ends_the_wait(self):
        threading.Timer(0.1, lambda: self.file.write_text('x', encoding='ascii')).start()
        self.assertEqual(self.watcher.wait(LONG), {self.file})

    def test_a_directory_can_be_named_again_and_may_be_missing(self):
        self.watcher.watch([self.directory, self.directory / 'none'])
        self.file.write_text('x', encoding='ascii')
        self.assertEqual(self.watcher.wait(LONG), {self.file})


if __name__ == '__main__':
    unittest.main()
