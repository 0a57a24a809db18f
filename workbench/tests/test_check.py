# SPDX-License-Identifier: GPL-2.0-only
"""Test which tests of the workbench are found."""

import tempfile
import unittest
from pathlib import Path

from cli import check
from host.console import UserError
from trees import write

CLASS = 'import unittest\n\n\nclass T(unittest.TestCase):\n    def test_x(self):\n        pass\n'


class LoadTest(unittest.TestCase):
    """Test the search for test files in two directories."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directories = [Path(scratch.name) / name for name in ('first', 'second')]

    def test_classes_of_both_directories_are_found(self):
        write(self.directories[0], {'test_of_check_1.py': CLASS})
        write(self.directories[1], {'test_of_check_2.py': CLASS})
        self.assertEqual(len(check.load(self.directories)), 2)

    def test_a_directory_without_tests_is_ignored(self):
        write(self.directories[0], {'test_of_check_3.py': CLASS})
        self.assertEqual(len(check.load(self.directories)), 1)

    def test_two_files_of_the_same_name_are_an_error(self):
        for directory in self.directories:
            write(directory, {'test_of_check_4.py': CLASS})
        with self.assertRaisesRegex(UserError, r'^test_of_check_4\.py exists in \S+first and in \S+second: '):
            check.load(self.directories)


if __name__ == '__main__':
    unittest.main()
