# SPDX-License-Identifier: GPL-2.0-only
"""Test the list of the files of a tree, in and outside git repositories."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import git as git_calls, worktree
from host.console import UserError
from host.environment import environment
from trees import commit, git, write

# The end of the .gitignore of Debian's source package, which ignores the whole tree.
DEBIAN = '.*\n*.o\n/vmlinux\n/include/config/\n!kernel/time/timeconst.bc\n*.bc\n/*\n!/debian/\n'


class WorktreeTest(unittest.TestCase):
    """Test the list of a tree with a Makefile, with and without git."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.tree = self.scratch / 'tree'
        write(self.tree, {'.gitignore': '*.o\n/config\n', 'Makefile': '', 'a/b.c': ''})

    def names(self, nested=True):
        return sorted(worktree.files(self.tree, nested))

    def test_tracked_and_unignored_files_are_listed(self):
        commit(self.tree)
        write(self.tree, {'a/new.c': '', 'a/new.o': '', 'config': ''})
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c', 'a/new.c'])

    def test_an_ignored_file_that_is_tracked_is_listed(self):
        write(self.tree, {'a/firmware.o': ''})
        commit(self.tree)
        self.assertIn('a/firmware.o', self.names())

    def test_deleted_files_are_left_out(self):
        write(self.tree, {'one': '', 'two': ''})
        commit(self.tree)
        git(self.tree, 'rm', '-q', 'one')
        (self.tree / 'two').unlink()
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c'])

    def test_special_characters_and_symbolic_links_are_listed(self):
        special = ['a\nb', ' c', '-d', '"e"', 'f*', os.fsdecode(b'\xff')]
        for name in special:
            (self.tree / name).touch()
        (self.tree / 'link').symlink_to('nowhere')
        (self.tree / 'to-directory').symlink_to('a')
        for prepare in (lambda: None, lambda: commit(self.tree)):
            prepare()
            self.assertEqual(self.names(), sorted(
                ['.gitignore', 'Makefile', 'a/b.c', 'link', 'to-directory', *special]))

    def test_files_behind_a_symbolic_link_are_left_out(self):
        commit(self.tree)
        (self.tree / 'a').rename(self.scratch / 'elsewhere')
        (self.tree / 'a').symlink_to(self.scratch / 'elsewhere')
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a'])

    def test_special_files_are_left_out(self):
        os.mkfifo(self.tree / 'fifo')
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c'])

    def test_submodules_and_other_repositories_are_listed_on_request(self):
        other = self.scratch / 'other'
        write(other, {'.gitignore': '*.o\n', 'x.c': ''})
        commit(other)
        commit(self.tree)
        git(self.tree, 'submodule', '-q', 'add', other, 'sub')
        git(self.tree, 'clone', '-q', other, 'mine')
        git(self.tree, 'submodule', '-q', 'add', other, 'empty')
        git(self.tree, 'submodule', '-q', 'deinit', '-f', 'empty')
        write(self.tree, {'sub/y.c': '', 'sub/y.o': ''})
        rest = ['.gitignore', '.gitmodules', 'Makefile', 'a/b.c']
        self.assertEqual(self.names(), sorted([*rest, 'mine/.gitignore', 'mine/x.c',
                                               'sub/.gitignore', 'sub/x.c', 'sub/y.c']))
        self.assertEqual(self.names(nested=False), sorted(rest))

    def test_a_sparse_checkout_is_listed(self):
        write(self.tree, {'b/c.c': ''})
        commit(self.tree)
        git(self.tree, 'sparse-checkout', 'set', 'a')
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c'])

    def test_a_linked_worktree_is_listed(self):
        commit(self.tree)
        git(self.tree, 'worktree', 'add', '-q', self.scratch / 'linked')
        self.tree = self.scratch / 'linked'
        write(self.tree, {'new.c': '', 'new.o': ''})
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c', 'new.c'])

    def test_a_repository_of_another_user_is_listed(self):
        commit(self.tree)
        write(self.tree, {'a/x.o': ''})
        foreign = environment(GIT_TEST_ASSUME_DIFFERENT_OWNER='1')
        with mock.patch.object(git_calls, 'environment', side_effect=lambda **extra: {**foreign, **extra}):
            self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c'])

    def test_the_index_is_not_refreshed(self):
        commit(self.tree)
        index = self.tree / '.git/index'
        os.utime(self.tree / 'a/b.c', (1, 1))
        before = index.read_bytes(), index.stat().st_mtime_ns, sorted(os.listdir(self.tree / '.git'))
        self.names()
        self.assertEqual(before, (index.read_bytes(), index.stat().st_mtime_ns,
                                  sorted(os.listdir(self.tree / '.git'))))

    def test_a_broken_repository_is_an_error(self):
        commit(self.tree)
        (self.tree / '.git/index').write_bytes(b'no index')
        with self.assertRaisesRegex(UserError, 'git cannot list the files of .*index'):
            self.names()

    def test_without_git_ignored_files_are_left_out(self):
        write(self.tree, {'a/.gitignore': '*.x\n', 'a/1.x': '', 'a/2.o': '', 'config': '', 'b/config': ''})
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/.gitignore', 'a/b.c', 'b/config'])

    def test_without_git_and_gitignore_all_files_are_listed(self):
        (self.tree / '.gitignore').unlink()
        write(self.tree, {'a/1.o': ''})
        self.assertEqual(self.names(), ['Makefile', 'a/1.o', 'a/b.c'])

    def test_lines_that_ignore_the_whole_tree_have_no_effect(self):
        write(self.tree, {'.gitignore': DEBIAN, 'vmlinux': '', 'a/1.o': '', 'include/config/X': '',
                          'include/x.h': '', '.config': '', 'lib/t/.kunitconfig': ''})
        expected = ['Makefile', 'a/b.c', 'include/x.h', 'lib/t/.kunitconfig']
        self.assertEqual(self.names(), expected)
        git(self.tree, 'init', '-q')
        git(self.tree, 'add', '-A')
        self.assertEqual(self.names(), expected)

    def test_without_git_the_excludes_of_the_user_have_no_effect(self):
        write(self.scratch, {'config/git/ignore': '*.c\n'})
        with mock.patch.dict(os.environ, XDG_CONFIG_HOME=str(self.scratch / 'config')):
            self.assertIn('a/b.c', self.names())

    def test_a_tree_that_a_repository_above_ignores_is_listed(self):
        for ignored in ('/tree/\n', 'a/\n', '*\n'):
            write(self.scratch, {'.gitignore': ignored})
            git(self.scratch, 'init', '-q')
            self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c'], ignored)

    def test_a_tree_that_a_repository_above_tracks_is_listed(self):
        commit(self.scratch)
        write(self.tree, {'a/new.c': '', 'a/new.o': ''})
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c', 'a/new.c'])


if __name__ == '__main__':
    unittest.main()
