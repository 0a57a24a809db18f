# SPDX-License-Identifier: GPL-2.0-only
"""Test the copy of a tree of the user: its files and its driver."""

import contextlib
import io
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from kernel import source
from subject import graft
import trees
from trees import DRIVER

KUNITCONFIG = 'lib/widget_kunit/.kunitconfig'

# Ignores the same names as the .gitignore of the kernel, such as those with a leading dot.
IGNORE = '.*\n*.o\n/include/config/\n/arch/*/include/generated/\n'

# A Makefile that fails in a tree with build products, as that of the kernel does.
OUTPUTMAKEFILE = '''VERSION = 7
all:
\t@if [ -e .config -o -d include/config -o -d arch/x86/include/generated ]; then \\
\t\techo "source tree is not clean"; false; fi
kernelversion:
\t@echo 7.3
'''


class SourceTest(unittest.TestCase):
    """Test copies of a small kernel tree."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='a path with a space ')
        self.addCleanup(scratch.cleanup)
        self.kdir, self.build = (Path(scratch.name) / name for name in ('linux', 'build'))
        self.build.mkdir()
        self.subject = trees.make_subject(self)
        self.overlay = self.subject.main
        for name, value in (('build_root', lambda: self.build), ('_require_space', lambda _: None)):
            patch = mock.patch.object(source, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        trees.write(self.kdir, {**trees.CONTENTS, '.gitignore': IGNORE, 'Makefile': OUTPUTMAKEFILE,
                                'usr/include/Makefile': ''})

    def copy(self, **options):
        """Update the copy; return it and the messages."""
        with contextlib.redirect_stderr(io.StringIO()) as messages:
            tree = source.tree_for('7.3', str(self.kdir), self.subject, **options)
        return tree, messages.getvalue()

    def assert_copy(self, tree):
        """Compare each file of the copy and of the tree, except the .gitignore, which ignores itself."""
        files = trees.snapshot(tree), trees.snapshot(self.kdir)
        for path in sorted({*files[0], *files[1]} - {'.gitignore'}):
            self.assertEqual(files[0].get(path), files[1].get(path), path)

    def make(self, tree):
        return subprocess.run(['make', '-C', tree], capture_output=True, text=True, check=False)

    def test_every_tracked_file_is_copied(self):
        trees.commit(self.kdir)
        tree, _ = self.copy()
        for path in trees.git(self.kdir, 'ls-files').splitlines():
            self.assertEqual((tree / path).stat().st_mode, (self.kdir / path).stat().st_mode, path)
        self.assertTrue((tree / 'arch/x86/boot/main.c').exists())
        self.assertTrue((tree / 'usr/include/Makefile').exists())

    def test_build_products_are_not_copied(self):
        trees.write(self.kdir, {'.config': '', 'include/config/X': '', 'lib/a.o': '',
                                'arch/x86/include/generated/x.h': ''})
        for prepare in (lambda: None, lambda: trees.git(self.kdir, 'init', '-q')):
            prepare()
            self.assertIn('not clean', self.make(self.kdir).stdout)
            tree, _ = self.copy()
            self.assertEqual(self.make(tree).returncode, 0)
            self.assertFalse((tree / 'lib/a.o').exists())

    def test_the_overlay_is_grafted_into_the_copy_of_a_tree_without_the_driver(self):
        tree, messages = self.copy()
        self.assertIn('no widget: grafted the overlay into the copy', messages)
        self.assertEqual(len(messages.splitlines()), 1)
        self.assertEqual((tree / DRIVER).read_bytes(), self.overlay.files[DRIVER].read_bytes())
        self.assertFalse((self.kdir / DRIVER).exists())

    def test_a_second_update_writes_nothing(self):
        def state(tree):
            return {path: path.lstat().st_mtime_ns for path in tree.rglob('*') if path.is_file()}
        before = state(self.copy()[0])
        self.assertEqual(state(self.copy()[0]), before)
        graft.graft(self.kdir, self.overlay)
        before = state(self.copy()[0])
        self.assertEqual(state(self.copy()[0]), before)

    def test_edits_of_a_grafted_tree_are_copied(self):
        trees.commit(self.kdir)
        for is_edited_first in (True, False):
            shutil.rmtree(self.build)
            self.build.mkdir()
            graft.graft(self.kdir, self.overlay)
            if not is_edited_first:
                self.copy()
            (self.kdir / DRIVER).write_text('edited')
            (self.kdir / 'lib/Makefile').write_text('obj-y += edited/\n')
            tree, messages = self.copy()
            self.assertIn(f'testing widget of {self.kdir}', messages)
            self.assertEqual(len(messages.splitlines()), 1)
            self.assertEqual((tree / DRIVER).read_text(), 'edited')
            self.assertEqual((tree / 'lib/Makefile').read_text(), 'obj-y += edited/\n')
            (self.kdir / DRIVER).unlink()
            self.assertFalse((self.copy()[0] / DRIVER).exists())
            trees.git(self.kdir, 'checkout', '-q', '.')
            trees.git(self.kdir, 'clean', '-qfdx')

    def test_grafted_files_are_copied_even_if_ignored(self):
        for prepare in (lambda: None, lambda: trees.commit(self.kdir)):
            prepare()
            graft.graft(self.kdir, self.overlay)
            tree, _ = self.copy()
            self.assertTrue((tree / KUNITCONFIG).exists())
            self.assertEqual(sorted(graft.owned(tree)), sorted(graft.owned(self.kdir)))
            graft.ungraft(self.kdir, 'widget')

    def test_graft_and_ungraft_between_updates_are_copied(self):
        self.copy()
        graft.graft(self.kdir, self.overlay)
        (self.kdir / DRIVER).write_text('edited')
        tree, _ = self.copy()
        self.assert_copy(tree)
        shutil.copyfile(self.overlay.files[DRIVER], self.kdir / DRIVER)
        graft.ungraft(self.kdir, 'widget')
        tree, messages = self.copy()
        self.assertIn('no widget', messages)
        graft.ungraft(tree, 'widget')
        self.assert_copy(tree)

    def test_a_driver_that_is_added_upstream_replaces_the_overlay(self):
        self.copy()
        trees.write(self.kdir, {DRIVER: 'upstream'})
        with open(self.kdir / 'drivers/misc/Kconfig', 'a', encoding='ascii') as kconfig:
            kconfig.write('source "drivers/misc/widget/Kconfig"\n')
        tree, messages = self.copy()
        self.assertIn('testing widget of', messages)
        self.assert_copy(tree)

    def test_a_change_of_a_file_with_inserted_lines_is_copied(self):
        self.copy()
        with open(self.kdir / 'drivers/misc/Makefile', 'a', encoding='ascii') as makefile:
            makefile.write('obj-y += new/\n')
        tree, _ = self.copy()
        text = (tree / 'drivers/misc/Makefile').read_text(encoding='latin-1')
        self.assertIn('new/', text)
        self.assertEqual(text.count('widget'), 1)

    def test_a_driver_that_was_removed_from_the_copy_is_copied_again(self):
        graft.graft(self.kdir, self.overlay)
        tree, _ = self.copy()
        graft.ungraft(tree, 'widget')
        tree, _ = self.copy()
        self.assert_copy(tree)

    def test_a_series_is_refused_if_the_driver_differs(self):
        graft.graft(self.kdir, self.overlay)
        self.copy(series=True)
        (self.kdir / DRIVER).write_text('edited')
        with self.assertRaisesRegex(UserError, f'not the same: {DRIVER} differs'):
            self.copy(series=True)

    def test_the_tree_of_the_user_is_not_changed(self):
        trees.commit(self.kdir)
        graft.graft(self.kdir, self.overlay)
        for path in self.kdir.rglob('*'):
            if not path.is_symlink():
                os.utime(path, (1, 1))
        before = trees.snapshot(self.kdir), {
            path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in self.kdir.rglob('*')}
        self.copy()
        self.copy(series=True)
        self.assertEqual(before, (trees.snapshot(self.kdir), {
            path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in self.kdir.rglob('*')}))

    def test_the_build_output_of_a_clone_inside_the_tree_is_not_copied(self):
        self.build = self.kdir / 'clone/build'
        self.build.mkdir(parents=True)
        self.copy()
        tree, _ = self.copy()
        self.assertFalse((tree / 'clone').exists())

    def test_the_fingerprint_changes_with_the_files(self):
        tree, _ = self.copy()
        first = source.fingerprint(tree)
        self.assertEqual(source.fingerprint(self.copy()[0]), first)
        (self.kdir / 'kernel/Makefile').write_text('changed')
        self.copy()
        changed = source.fingerprint(tree)
        self.assertEqual([path for path in first if first[path] != changed[path]], ['kernel/Makefile'])

    def test_a_directory_that_is_not_a_kernel_tree_is_refused(self):
        (self.kdir / 'Kbuild').unlink()
        for kdir in (self.kdir, self.kdir / 'missing'):
            with self.assertRaisesRegex(UserError, 'KDIR='):
                source.tree_for('7.3', str(kdir), self.subject)
        self.assertEqual(os.listdir(self.build), [])


if __name__ == '__main__':
    unittest.main()
