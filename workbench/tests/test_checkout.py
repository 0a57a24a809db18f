# SPDX-License-Identifier: GPL-2.0-only
"""Test the list of the files of the repository, with git and without."""

import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import checkout, git
from host.console import UserError
from host.environment import environment


class Files(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        patch = mock.patch.object(checkout, 'REPO', self.root)
        patch.start()
        self.addCleanup(patch.stop)
        (self.root / '.gitignore').write_text('/build/\n*.pyc\n__pycache__/\n')
        for name in ('Makefile', 'lib/a.c', 'lib/b.pyc', 'lib/__pycache__/c', 'build/d.c'):
            (self.root / name).parent.mkdir(exist_ok=True)
            (self.root / name).touch()

    def git(self, *arguments):
        subprocess.run(['git', '-C', self.root, *arguments], check=True, capture_output=True)

    def test_without_git_ignored_files_are_left_out(self):
        self.assertEqual(checkout.files(), ['.gitignore', 'Makefile', 'lib/a.c'])

    def test_without_git_the_list_is_restricted_to_paths(self):
        self.assertEqual(checkout.files('lib', 'Makefile'), ['Makefile', 'lib/a.c'])

    def test_with_git_ignored_files_are_left_out(self):
        self.git('init', '-q')
        self.git('add', 'Makefile')
        self.assertEqual(checkout.files(), ['.gitignore', 'Makefile', 'lib/a.c'])

    def test_with_git_a_removed_file_is_left_out(self):
        self.git('init', '-q')
        self.git('add', 'lib/a.c')
        (self.root / 'lib/a.c').unlink()
        self.assertEqual(checkout.files('lib'), [])

    def test_a_repository_of_another_user_is_listed(self):
        self.git('init', '-q')
        foreign = environment(GIT_TEST_ASSUME_DIFFERENT_OWNER='1')
        with mock.patch.object(git, 'environment', lambda **extra: {**foreign, **extra}):
            self.assertEqual(checkout.files('lib'), ['lib/a.c'])

    def test_a_broken_repository_is_an_error(self):
        (self.root / '.git').mkdir()
        with self.assertRaisesRegex(UserError, 'git cannot list'):
            checkout.files()

    def test_files_ignored_by_a_repository_above_are_listed(self):
        outer = self.root / 'outer'
        with mock.patch.object(checkout, 'REPO', outer / 'project'):
            for name in ('Makefile', 'lib/a.c', 'drivers/b.c'):
                (outer / 'project' / name).parent.mkdir(parents=True, exist_ok=True)
                (outer / 'project' / name).touch()
            subprocess.run(['git', 'init', '-q', outer], check=True)
            for ignored in ('project/\n', 'lib/\n', '*\n'):
                (outer / '.gitignore').write_text(ignored)
                self.assertEqual(checkout.files('lib', 'drivers'), ['drivers/b.c', 'lib/a.c'], ignored)


if __name__ == '__main__':
    unittest.main()
