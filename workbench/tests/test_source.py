# SPDX-License-Identifier: GPL-2.0-only
"""The copy of a tree of the user's own: what stands there is what is tested."""

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

# As that of the kernel, in which names with a leading dot are ignored.
IGNORE = '.*\n*.o\n/include/config/\n/arch/*/include/generated/\n'

# The check of kbuild that a tree was not built in.
OUTPUTMAKEFILE = '''VERSION = 7
all:
\t@if [ -e .config -o -d include/config -o -d arch/x86/include/generated ]; then \\
\t\techo "source tree is not clean"; false; fi
kernelversion:
\t@echo 7.3
'''


class SourceTest(unittest.TestCase):
    """Each case has a small kernel tree, KDIR, and a directory for build output."""

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
        """Bring the copy up to date; return it and what is said about it."""
        with contextlib.redirect_stderr(io.StringIO()) as said:
            tree = source.tree_for('7.3', str(self.kdir), self.subject, **options)
        return tree, said.getvalue()

    def assert_copy(self, tree):
        """Compare the copy with the tree, file by file; a .gitignore names itself."""
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

    def test_a_tree_with_leftovers_of_a_build_is_copied_without_them(self):
        trees.write(self.kdir, {'.config': '', 'include/config/X': '', 'lib/a.o': '',
                                'arch/x86/include/generated/x.h': ''})
        for prepare in (lambda: None, lambda: trees.git(self.kdir, 'init', '-q')):
            prepare()
            self.assertIn('not clean', self.make(self.kdir).stdout)
            tree, _ = self.copy()
            self.assertEqual(self.make(tree).returncode, 0)
            self.assertFalse((tree / 'lib/a.o').exists())

    def test_the_driver_of_this_clone_where_there_is_none(self):
        tree, said = self.copy()
        self.assertIn('no widget: grafted the overlay into the copy', said)
        self.assertEqual(len(said.splitlines()), 1)
        self.assertEqual((tree / DRIVER).read_bytes(), self.overlay.files[DRIVER].read_bytes())
        self.assertFalse((self.kdir / DRIVER).exists())

    def test_a_second_copy_touches_nothing(self):
        def state(tree):
            return {path: path.lstat().st_mtime_ns for path in tree.rglob('*') if path.is_file()}
        before = state(self.copy()[0])
        self.assertEqual(state(self.copy()[0]), before)
        graft.graft(self.kdir, self.overlay)
        before = state(self.copy()[0])
        self.assertEqual(state(self.copy()[0]), before)

    def test_edits_of_a_grafted_tree_are_what_is_tested(self):
        trees.commit(self.kdir)
        for early in (True, False):
            shutil.rmtree(self.build)
            self.build.mkdir()
            graft.graft(self.kdir, self.overlay)
            if not early:
                self.copy()
            (self.kdir / DRIVER).write_text('edited')
            (self.kdir / 'lib/Makefile').write_text('obj-y += edited/\n')
            tree, said = self.copy()
            self.assertIn(f'testing the widget that is in {self.kdir}', said)
            self.assertEqual(len(said.splitlines()), 1)
            self.assertEqual((tree / DRIVER).read_text(), 'edited')
            self.assertEqual((tree / 'lib/Makefile').read_text(), 'obj-y += edited/\n')
            (self.kdir / DRIVER).unlink()
            self.assertFalse((self.copy()[0] / DRIVER).exists())
            trees.git(self.kdir, 'checkout', '-q', '.')
            trees.git(self.kdir, 'clean', '-qfdx')

    def test_what_was_grafted_is_copied_though_it_is_ignored(self):
        for prepare in (lambda: None, lambda: trees.commit(self.kdir)):
            prepare()
            graft.graft(self.kdir, self.overlay)
            tree, _ = self.copy()
            self.assertTrue((tree / KUNITCONFIG).exists())
            self.assertEqual(sorted(graft.owned(tree)), sorted(graft.owned(self.kdir)))
            graft.ungraft(self.kdir, 'widget')

    def test_graft_and_ungraft_between_two_copies(self):
        self.copy()
        graft.graft(self.kdir, self.overlay)
        (self.kdir / DRIVER).write_text('edited')
        tree, _ = self.copy()
        self.assert_copy(tree)
        shutil.copyfile(self.overlay.files[DRIVER], self.kdir / DRIVER)
        graft.ungraft(self.kdir, 'widget')
        tree, said = self.copy()
        self.assertIn('no widget', said)
        graft.ungraft(tree, 'widget')
        self.assert_copy(tree)

    def test_the_driver_arrives_upstream_with_less_than_this_clone_has(self):
        self.copy()
        trees.write(self.kdir, {DRIVER: 'upstream'})
        with open(self.kdir / 'drivers/misc/Kconfig', 'a', encoding='ascii') as kconfig:
            kconfig.write('source "drivers/misc/widget/Kconfig"\n')
        tree, said = self.copy()
        self.assertIn('testing the widget that is in', said)
        self.assert_copy(tree)

    def test_a_change_of_a_file_with_inserted_lines(self):
        self.copy()
        with open(self.kdir / 'drivers/misc/Makefile', 'a', encoding='ascii') as makefile:
            makefile.write('obj-y += new/\n')
        tree, _ = self.copy()
        text = (tree / 'drivers/misc/Makefile').read_text(encoding='latin-1')
        self.assertIn('new/', text)
        self.assertEqual(text.count('widget'), 1)

    def test_the_driver_in_a_copy_is_never_left_over_from_a_series(self):
        graft.graft(self.kdir, self.overlay)
        tree, _ = self.copy()
        graft.ungraft(tree, 'widget')
        tree, _ = self.copy()
        self.assert_copy(tree)

    def test_a_series_is_refused_where_the_driver_is_another(self):
        graft.graft(self.kdir, self.overlay)
        self.copy(series=True)
        (self.kdir / DRIVER).write_text('edited')
        with self.assertRaisesRegex(UserError, f'another driver: {DRIVER} differs'):
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

    def test_this_clone_inside_the_tree_does_not_copy_the_copy(self):
        self.build = self.kdir / 'clone/build'
        self.build.mkdir(parents=True)
        self.copy()
        tree, _ = self.copy()
        self.assertFalse((tree / 'clone').exists())

    def test_the_fingerprint_changes_with_what_is_tested(self):
        tree, _ = self.copy()
        first = source.fingerprint(tree)
        self.assertEqual(source.fingerprint(self.copy()[0]), first)
        (self.kdir / 'kernel/Makefile').write_text('changed')
        self.copy()
        changed = source.fingerprint(tree)
        self.assertEqual([path for path in first if first[path] != changed[path]], ['kernel/Makefile'])

    def test_what_is_no_kernel_tree_is_refused(self):
        (self.kdir / 'Kbuild').unlink()
        for kdir in (self.kdir, self.kdir / 'nowhere'):
            with self.assertRaisesRegex(UserError, 'KDIR='):
                source.tree_for('7.3', str(kdir), self.subject)
        self.assertEqual(os.listdir(self.build), [])


if __name__ == '__main__':
    unittest.main()
