# SPDX-License-Identifier: GPL-2.0-only
"""Which files belong to a tree, in all the ways in which people keep trees."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import git as git_calls, worktree
from host.console import UserError
from host.environment import environment
from trees import commit, git, write

# As in the source package of Debian: at the end a line that ignores all there is.
DEBIAN = '.*\n*.o\n/vmlinux\n/include/config/\n!kernel/time/timeconst.bc\n*.bc\n/*\n!/debian/\n'


class WorktreeTest(unittest.TestCase):
    """Each case has a tree with a Makefile, which may be a repository."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.tree = self.scratch / 'tree'
        write(self.tree, {'.gitignore': '*.o\n/config\n', 'Makefile': '', 'a/b.c': ''})

    def names(self, nested=True):
        return sorted(worktree.files(self.tree, nested))

    def test_tracked_files_and_untracked_ones_that_are_not_ignored(self):
        commit(self.tree)
        write(self.tree, {'a/new.c': '', 'a/new.o': '', 'config': ''})
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c', 'a/new.c'])

    def test_a_tracked_file_that_a_gitignore_names(self):
        write(self.tree, {'a/firmware.o': ''})
        commit(self.tree)
        self.assertIn('a/firmware.o', self.names())

    def test_a_staged_or_unstaged_deletion(self):
        write(self.tree, {'one': '', 'two': ''})
        commit(self.tree)
        git(self.tree, 'rm', '-q', 'one')
        (self.tree / 'two').unlink()
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c'])

    def test_odd_names_and_symbolic_links(self):
        odd = ['a\nb', ' c', '-d', '"e"', 'f*', os.fsdecode(b'\xff')]
        for name in odd:
            (self.tree / name).touch()
        (self.tree / 'link').symlink_to('nowhere')
        (self.tree / 'to-directory').symlink_to('a')
        for prepare in (lambda: None, lambda: commit(self.tree)):
            prepare()
            self.assertEqual(self.names(), sorted(
                ['.gitignore', 'Makefile', 'a/b.c', 'link', 'to-directory', *odd]))

    def test_a_directory_that_became_a_symbolic_link(self):
        commit(self.tree)
        (self.tree / 'a').rename(self.scratch / 'elsewhere')
        (self.tree / 'a').symlink_to(self.scratch / 'elsewhere')
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a'])

    def test_what_is_no_file(self):
        os.mkfifo(self.tree / 'fifo')
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c'])

    def test_submodules_and_other_repositories_below(self):
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

    def test_a_sparse_checkout(self):
        write(self.tree, {'b/c.c': ''})
        commit(self.tree)
        git(self.tree, 'sparse-checkout', 'set', 'a')
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c'])

    def test_a_linked_worktree(self):
        commit(self.tree)
        git(self.tree, 'worktree', 'add', '-q', self.scratch / 'linked')
        self.tree = self.scratch / 'linked'
        write(self.tree, {'new.c': '', 'new.o': ''})
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c', 'new.c'])

    def test_a_repository_of_another_user(self):
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

    def test_without_git_all_but_what_its_gitignore_files_name(self):
        write(self.tree, {'a/.gitignore': '*.x\n', 'a/1.x': '', 'a/2.o': '', 'config': '', 'b/config': ''})
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/.gitignore', 'a/b.c', 'b/config'])

    def test_without_git_and_without_gitignore_files(self):
        (self.tree / '.gitignore').unlink()
        write(self.tree, {'a/1.o': ''})
        self.assertEqual(self.names(), ['Makefile', 'a/1.o', 'a/b.c'])

    def test_a_gitignore_that_ignores_the_whole_tree(self):
        write(self.tree, {'.gitignore': DEBIAN, 'vmlinux': '', 'a/1.o': '', 'include/config/X': '',
                          'include/x.h': '', '.config': '', 'lib/t/.kunitconfig': ''})
        wanted = ['Makefile', 'a/b.c', 'include/x.h', 'lib/t/.kunitconfig']
        self.assertEqual(self.names(), wanted)
        git(self.tree, 'init', '-q')
        git(self.tree, 'add', '-A')
        self.assertEqual(self.names(), wanted)

    def test_without_git_the_excludes_of_the_user_do_not_count(self):
        write(self.scratch, {'config/git/ignore': '*.c\n'})
        with mock.patch.dict(os.environ, XDG_CONFIG_HOME=str(self.scratch / 'config')):
            self.assertIn('a/b.c', self.names())

    def test_a_repository_above_that_ignores_the_tree(self):
        for ignored in ('/tree/\n', 'a/\n', '*\n'):
            write(self.scratch, {'.gitignore': ignored})
            git(self.scratch, 'init', '-q')
            self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c'], ignored)

    def test_a_repository_above_that_tracks_the_tree(self):
        commit(self.scratch)
        write(self.tree, {'a/new.c': '', 'a/new.o': ''})
        self.assertEqual(self.names(), ['.gitignore', 'Makefile', 'a/b.c', 'a/new.c'])


if __name__ == '__main__':
    unittest.main()
