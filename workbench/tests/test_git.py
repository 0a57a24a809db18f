# SPDX-License-Identifier: GPL-2.0-only
"""Test that git works on the repository that a call names, and on no other."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import checkout, git
from host.console import UserError
from host.environment import environment
from host.paths import REPO, build_root
from test_environment import git_variables
from trees import CONTENTS, write

AUTHOR = ('A Name', 'a@example.org')


def contents(directory):
    """Map each file of a directory to its content."""
    return {str(path): path.read_bytes() for path in sorted(directory.rglob('*')) if path.is_file()}


class GitTest(unittest.TestCase):
    """Test git with a repository of the user, which has a commit and a linked worktree."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.user = self.scratch / 'user'
        self.worktree = self.scratch / 'worktree'
        self.shell('git', 'init', '-q', self.user)
        (self.user / 'file').write_text('mine\n', encoding='utf-8')
        for command in (('config', 'user.name', 'The User'), ('config', 'user.email', 'u@example.org'),
                        ('add', 'file'), ('commit', '-q', '-m', 'mine'),
                        ('worktree', 'add', '-q', self.worktree)):
            self.shell('git', '-C', self.user, *command)
        self.before = contents(self.user)

    def shell(self, *command, **options):
        return subprocess.run(command, env=environment(), check=True, capture_output=True, text=True,
                              **options)

    def assert_untouched(self):
        self.assertEqual(contents(self.user), self.before)

    def hook_environments(self):
        """Yield the variables that git sets for hooks and for rebase -x."""
        private = self.user / '.git/worktrees/worktree'
        for git_dir, work_tree in ((self.user / '.git', self.user), (private, self.worktree)):
            yield {'GIT_DIR': str(git_dir), 'GIT_WORK_TREE': str(work_tree), 'GIT_PREFIX': '',
                   'GIT_INDEX_FILE': str(git_dir / 'index'),
                   'GIT_COMMON_DIR': str(self.user / '.git'),
                   'GIT_OBJECT_DIRECTORY': str(self.user / '.git/objects')}

    def test_a_repository_of_the_workbench_ignores_the_environment(self):
        for number, variables in enumerate(self.hook_environments()):
            self.assertFalse(set(variables) - set(git_variables()))
            with self.subTest(variables), mock.patch.dict(os.environ, variables):
                repository = git.Repository(self.scratch / f'repository{number}', AUTHOR)
                (repository.directory / 'new').write_text('new\n', encoding='utf-8')
                repository.git('add', '-A')
                repository.git('commit', '-q', '-m', 'subject')
                repository.git('tag', 'tag')
                self.assertEqual(repository.git('log', '--format=%an %s'), 'A Name subject\n')
                self.assert_untouched()

    def test_a_read_ignores_the_environment(self):
        for variables in self.hook_environments():
            with self.subTest(variables), mock.patch.dict(os.environ, variables, GIT_DIR='/nowhere'):
                listed = git.read(self.worktree, 'ls-files')
                self.assertEqual((listed.returncode, listed.stdout), (0, b'file\n'))
        self.assert_untouched()

    def test_a_read_does_not_start_programs_that_the_repository_names(self):
        for name in ('core.fsmonitor', 'core.hooksPath'):
            self.shell('git', '-C', self.user, 'config', name, f'touch {self.scratch}/started; false')
        git.read(self.user, 'ls-files', '--others')
        self.assertFalse((self.scratch / 'started').exists())

    def test_the_configuration_of_the_user_does_not_affect_commits(self):
        home = self.scratch / 'home'
        (home / 'hooks').mkdir(parents=True)
        (home / '.gitconfig').write_text(f'[core]\nhooksPath = {home}/hooks\n[commit]\ngpgSign = true\n',
                                         encoding='utf-8')
        hook = home / 'hooks/pre-commit'
        hook.write_text('#!/bin/sh\nexit 1\n', encoding='utf-8')
        hook.chmod(0o755)
        patched = {**environment(), 'HOME': str(home)}
        with mock.patch.object(git, 'environment', lambda **extra: {**patched, **extra}):
            repository = git.Repository(self.scratch / 'repository', AUTHOR)
            repository.git('commit', '-q', '--allow-empty', '-m', 'subject')

    def test_scripts_below_the_build_directory_find_no_repository(self):
        below = self.user / 'build/linux'
        below.mkdir(parents=True)
        env = environment(GIT_CEILING_DIRECTORIES=str(self.user / 'build'))
        found = subprocess.run(['git', 'rev-parse', '--git-dir'], cwd=below, env=env,
                               capture_output=True, check=False)
        self.assertNotEqual(found.returncode, 0)
        self.assertEqual(environment()['GIT_CEILING_DIRECTORIES'], str(build_root().resolve()))

    def test_an_error_of_git_is_shown(self):
        repository = git.Repository(self.scratch / 'repository', AUTHOR)
        with self.assertRaisesRegex(UserError, 'git tag failed:\n.*HEAD'):
            repository.git('tag', 'x')

    def test_a_missing_git_is_reported(self):
        with mock.patch.object(git.subprocess, 'run', side_effect=FileNotFoundError), \
             self.assertRaisesRegex(UserError, 'git is not installed'):
            git.read(self.user, 'ls-files')

    def test_the_identity_is_that_of_the_repository(self):
        self.assertEqual(git.identity(self.worktree, 'a test'), ('The User', 'u@example.org'))


# Creates the series, without the rest of a run.
CREATE_SERIES = """
import sys
from pathlib import Path
sys.path.insert(0, 'workbench')
from ship import series
from subject import overlay
tree, out = map(Path, sys.argv[1:])
out.mkdir()
assert len(series.write_patches(series.Series(tree, overlay.load('.')), out)) > 1
"""


class WorktreeTest(unittest.TestCase):
    """Test that a rebase in a linked worktree that creates the series does not change the repository."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.clone = self.scratch / 'clone'
        for name in checkout.files():
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, self.clone / name)
        self.tree = self.scratch / 'linux'
        write(self.tree, CONTENTS)
        self.git('init', '-q', '-b', 'main', '.')
        self.git('config', 'user.name', 'The User')
        self.git('config', 'user.email', 'u@example.org')
        self.git('add', '-A')
        for subject in ('one', 'two'):
            self.git('commit', '-q', '--allow-empty', '-m', subject)
        self.git('worktree', 'add', '-q', '-b', 'work', self.scratch / 'worktree')

    def git(self, *arguments, directory=None):
        return subprocess.run(['git', '-C', directory or self.clone, *arguments], env=environment(),
                              check=True, capture_output=True, text=True).stdout

    def state(self):
        """Return the state of the repository that a run could change, without reflogs and dates."""
        worktree = self.scratch / 'worktree'
        return [self.git('for-each-ref'), self.git('config', '--list', '--local'),
                self.git('ls-files', '-s'), self.git('ls-files', '-s', directory=worktree),
                self.git('rev-parse', 'HEAD', directory=worktree), self.git('tag'),
                self.git('status', '--short'), self.git('status', '--short', directory=worktree),
                self.git('log', '--all', '--format=%H %an %s'), sorted(os.listdir(self.clone / '.git'))]

    def test_a_rebase_that_creates_the_series_does_not_change_the_repository(self):
        # The first rebase creates the objects of the rebase itself.
        self.git('rebase', '-q', '-x', 'true', 'HEAD~1', directory=self.scratch / 'worktree')
        before = self.state()
        script = self.scratch / 'create.py'
        script.write_text(CREATE_SERIES, encoding='utf-8')
        command = shlex.join(map(str, [sys.executable, '-B', script, self.tree, self.scratch / 'out']))
        self.git('rebase', '-q', '-x', command, 'HEAD~1', directory=self.scratch / 'worktree')
        self.assertTrue(list((self.scratch / 'out').glob('0001-*.patch')))
        self.assertEqual(self.state(), before)


if __name__ == '__main__':
    unittest.main()
