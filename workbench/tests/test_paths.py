# SPDX-License-Identifier: GPL-2.0-only
"""Test the path of the build output, and its removal."""

import ast
import contextlib
import os
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

from cli import clean
from host import lock, paths
from host.console import UserError
from host.paths import CACHE_NAME, WORKBENCH

# Names of clones that kbuild, make, a script or the kernel command line cannot handle.
NAMES = ('feature%2Ffoo', 'proj#1', 'cost$5', 'a b', 'a:b', 'a\tb', "it's", 'say "hi"', '(x)', 'a\\b',
         'a*b', 'a?b', '[a]', 'a&b', 'a;b', 'a|b', 'a<b>', '`a`', 'a,b', 'a=b', 'a@b', '~a', 'a+b', 'a!b',
         '{a}', 'a^b', 'größe', '日本', os.fsdecode(b'\xff'))


class CloneTest(unittest.TestCase):
    """The base of tests that have a clone, a cache and a fallback directory."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.top = Path(directory.name).resolve()
        self.place('clone', 'cache')

    def place(self, clone, cache):
        """Set the names of the directories of the clone and of the cache."""
        for name, value in {'REPO': self.top / clone, 'BUILD': self.top / clone / 'build',
                            'CACHE': self.top / cache / CACHE_NAME,
                            'FALLBACK': self.top / 'workbench-0'}.items():
            for module in (paths, clean):
                if hasattr(module, name):
                    patch = mock.patch.object(module, name, value)
                    patch.start()
                    self.addCleanup(patch.stop)
        (self.top / clone).mkdir(exist_ok=True)
        (self.top / cache).mkdir(exist_ok=True)


class PathsTest(CloneTest):
    """Test the path of the build output."""

    def test_the_output_is_in_a_clone_with_a_plain_path(self):
        self.assertEqual(paths.build_root(), self.top / 'clone/build')
        self.assertFalse((self.top / 'clone/build').is_symlink())

    def test_the_output_is_not_in_a_clone_with_another_path(self):
        for name in NAMES:
            with self.subTest(name):
                self.place(name, 'cache')
                root = paths.build_root()
                self.assertTrue(paths.is_plain(root))
                self.assertEqual(root.parent, self.top / f'cache/{CACHE_NAME}/builds')
                self.assertEqual((self.top / name / 'build').resolve(), root)
                self.assertEqual(paths.build_root(), root)
                clean.clean()
                self.assertFalse(root.exists())
                self.assertFalse((self.top / name / 'build').is_symlink())

    def test_a_line_break_is_an_error(self):
        self.place('a\nb', 'cache')
        with self.assertRaisesRegex(UserError, r'a\\nb'):
            paths.build_root()

    def test_neither_the_clone_nor_the_cache_has_a_plain_path(self):
        for name in NAMES:
            with self.subTest(name):
                self.place(name, name)
                root = paths.build_root()
                self.assertEqual(root.parent, self.top / 'workbench-0/builds')
                self.assertEqual((self.top / 'workbench-0').stat().st_mode & 0o777, 0o700)

    def test_a_fallback_that_others_can_write_to_is_an_error(self):
        self.place('a b', 'a b')
        (self.top / 'workbench-0').mkdir()
        (self.top / 'workbench-0').chmod(0o777)
        with self.assertRaisesRegex(UserError, 'cannot write'):
            paths.build_root()

    def test_two_clones_have_two_directories(self):
        self.place('a b', 'cache')
        first = paths.build_root()
        self.place('a c', 'cache')
        self.assertNotEqual(paths.build_root(), first)

    def test_a_moved_clone_gets_a_new_directory(self):
        self.place('a b', 'cache')
        before = paths.build_root()
        for name in ('a c', 'plain'):
            (paths.REPO).rename(self.top / name)
            self.place(name, 'cache')
            self.assertNotEqual(paths.build_root(), before)
            self.assertEqual((self.top / name / 'build').resolve(), paths.build_root())

    def test_a_build_directory_from_before_a_move_is_an_error(self):
        self.place('a b', 'cache')
        (self.top / 'a b/build').mkdir()
        with self.assertRaisesRegex(UserError, 'make clean'):
            paths.build_root()
        clean.clean()
        paths.build_root()

    def test_an_emptied_cache_is_not_an_error(self):
        self.place('a b', 'cache')
        root = paths.build_root()
        root.rmdir()
        self.assertEqual(paths.build_root(), root)
        self.assertTrue(root.is_dir())

    def test_a_link_of_the_user_is_followed(self):
        (self.top / 'disk').mkdir()
        paths.BUILD.symlink_to(self.top / 'disk')
        self.assertEqual(paths.build_root(), self.top / 'disk')

    def test_a_link_of_the_user_to_an_unusable_target_is_an_error(self):
        paths.BUILD.symlink_to(self.top / 'missing')
        with self.assertRaisesRegex(UserError, 'target is not a directory'):
            paths.build_root()
        (self.top / 'a disk').mkdir()
        paths.BUILD.unlink()
        paths.BUILD.symlink_to(self.top / 'a disk')
        with self.assertRaisesRegex(UserError, 'cannot build'):
            paths.build_root()

    def test_the_scratch_directory_is_plain(self):
        for name in NAMES:
            with self.subTest(name):
                (self.top / name).mkdir(exist_ok=True)
                with mock.patch.object(paths.tempfile, 'gettempdir', return_value=str(self.top / name)):
                    scratch = paths.make_scratch()
                scratch.rmdir()
                self.assertTrue(paths.is_plain(scratch))
        with mock.patch.object(paths.tempfile, 'gettempdir', return_value=str(self.top)):
            self.assertEqual(paths.make_scratch().parent, self.top)

    def test_a_relative_directory_in_the_environment_is_ignored(self):
        with mock.patch.dict(os.environ, XDG_CACHE_HOME='cache', HOME=''):
            self.assertIsNone(paths._directory_from_environment('XDG_CACHE_HOME'))
            self.assertTrue(paths._home().is_absolute())


class CleanTest(CloneTest):
    """Test what make clean removes."""

    def fill(self, root):
        for name in ('linux-7.3', 'um-linux-7.3', 'series'):
            (root / name).mkdir()
            (root / name / 'file').touch()
        for name in ('.lock', 'last-test.json', 'docs-x.log'):
            (root / name).touch()

    def test_build_is_removed_with_all_files(self):
        root = paths.build_root()
        self.fill(root)
        (root / 'notes').touch()
        clean.clean()
        self.assertEqual(list(paths.REPO.iterdir()), [])
        clean.clean()

    def test_files_of_the_user_behind_a_link_are_kept(self):
        disk = self.top / 'disk'
        (disk / 'linux').mkdir(parents=True)
        for name in ('precious', 'linux/precious'):
            (disk / name).touch()
        paths.BUILD.symlink_to(disk)
        self.fill(paths.build_root())
        with mock.patch.object(clean, 'say') as say:
            clean.clean()
        self.assertIn('linux, precious', say.call_args[0][0])
        self.assertEqual(sorted(path.name for path in disk.rglob('*')), ['linux', 'precious', 'precious'])
        self.assertTrue(paths.BUILD.is_symlink())

    def test_the_target_of_a_link_in_build_is_kept(self):
        (self.top / 'precious').mkdir()
        (paths.build_root() / 'linux-7.3').symlink_to(self.top / 'precious')
        clean.clean()
        self.assertTrue((self.top / 'precious').exists())

    def test_clean_waits_for_the_run_that_uses_the_directory(self):
        root = paths.build_root()
        self.fill(root)
        descriptor = lock.acquire(root / clean.LOCK)
        waiting = threading.Event()
        with mock.patch.object(lock, 'say', side_effect=lambda _: waiting.set()):
            thread = threading.Thread(target=clean.clean)
            thread.start()
            self.assertTrue(waiting.wait(10))
            self.assertTrue((root / 'series/file').exists())
            os.close(descriptor)
            thread.join(10)
        self.assertFalse(root.exists())

    def test_the_directory_of_a_run_that_starts_meanwhile_is_kept(self):
        root = paths.build_root()
        self.fill(root)
        empty = clean._empty

        def start_run_afterwards(*arguments, **options):
            kept = empty(*arguments, **options)
            (root / clean.LOCK).touch()
            return kept

        with mock.patch.object(clean, '_empty', start_run_afterwards):
            clean.clean()
        self.assertEqual([path.name for path in root.iterdir()], [clean.LOCK])


def _names(node, constants):
    """Return the name in build/ that an expression evaluates to, with "*" for variable parts."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return ''.join(part.value if isinstance(part, ast.Constant) else '*' for part in node.values)
    if isinstance(node, ast.Name):
        return constants.get(node.id, '?')
    if isinstance(node, ast.Attribute):
        return getattr(clean, node.attr, '?')
    return '?'


class OutputTest(unittest.TestCase):
    """Test that the list of the output of the workbench is complete."""

    def test_every_name_below_build_root_is_in_the_list(self):
        found = set()
        for path in WORKBENCH.glob('[!t]*/*.py'):
            tree = ast.parse(path.read_text(encoding='utf-8'))
            constants = {}
            for node in tree.body:
                if isinstance(node, ast.Assign):
                    with contextlib.suppress(ValueError):
                        value = ast.literal_eval(node.value)
                        for target in node.targets:
                            names = [name.id for name in ast.walk(target) if isinstance(name, ast.Name)]
                            constants.update(zip(names, value if len(names) > 1 else [value]))
            for node in ast.walk(tree):
                if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
                        and isinstance(node.left, ast.Call)
                        and getattr(node.left.func, 'id', '') == 'build_root'):
                    found.add((path.name, _names(node.right, constants).split('/')[0]))
        self.assertGreater(len(found), 5)
        for path, name in found:
            with self.subTest(path=path, name=name):
                # The name of the build directory of a kernel starts with a variable part.
                kinds = ['um', 'um-debug', 'x86_64', 'x86_64-bench', 'x86_64-debug', 'arm64', 's390'
                         ] if name.startswith('*') else ['x']
                for kind in kinds:
                    self.assertTrue(clean.is_output(name.replace('*', kind, 1)))


if __name__ == '__main__':
    unittest.main()
