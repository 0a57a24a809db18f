# SPDX-License-Identifier: GPL-2.0-only
"""Test the incremental copy of files."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from kernel.mirror import Mirror
from trees import snapshot, write


class MirrorTest(unittest.TestCase):
    """Test updates of a copy of a directory."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.source, self.copy = Path(scratch.name) / 'source', Path(scratch.name) / 'copy'
        write(self.source, {'a/b/c': 'c', 'a/d': 'd', 'empty': '', 'odd\n \udcff': ''})
        (self.source / 'link').symlink_to('a/d')
        os.chmod(self.source / 'a/d', 0o755)
        os.chmod(self.source / 'empty', 0o444)
        self.update()

    def update(self):
        files = {str(path.relative_to(self.source)): path.lstat() for path in self.source.rglob('*')
                 if path.is_symlink() or path.is_file()}
        Mirror(self.copy, self.copy.with_name('record')).update(self.source, files)

    def written(self, action):
        """Call action, update the copy, and return the paths that the update wrote."""
        before = {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in self.files()}
        action()
        self.update()
        self.assertEqual(snapshot(self.copy), snapshot(self.source))
        return [str(path.relative_to(self.copy)) for path in self.files()
                if before.get(path) != (path.lstat().st_ino, path.lstat().st_mtime_ns)]

    def files(self):
        return sorted(path for path in self.copy.rglob('*') if path.is_symlink() or not path.is_dir())

    def test_contents_modes_links_and_special_names_are_copied(self):
        self.assertEqual(snapshot(self.copy), snapshot(self.source))

    def test_nothing_is_written_without_a_change(self):
        record = self.copy.with_name('record').stat().st_mtime_ns
        self.assertEqual(self.written(lambda: None), [])
        self.assertEqual(self.copy.with_name('record').stat().st_mtime_ns, record)

    def test_a_file_with_unchanged_content_is_not_written(self):
        self.assertEqual(self.written(lambda: (self.source / 'a/d').write_text('d')), [])

    def test_an_edit_that_keeps_size_and_modification_time_is_copied(self):
        def edit():
            state = (self.source / 'a/d').stat()
            (self.source / 'a/d').write_text('e')
            os.utime(self.source / 'a/d', ns=(state.st_atime_ns, state.st_mtime_ns))
        self.assertEqual(self.written(edit), ['a/d'])

    def test_the_copy_of_an_older_file_is_newer_than_its_object(self):
        def edit():
            (self.copy / 'a/d.o').touch()
            (self.source / 'a/d').write_text('older')
            os.utime(self.source / 'a/d', (1, 1))
        edit()
        self.update()
        self.assertGreaterEqual((self.copy / 'a/d').stat().st_mtime_ns,
                                (self.copy / 'a/d.o').stat().st_mtime_ns)

    def test_an_edit_in_the_copy_is_undone(self):
        self.assertEqual(self.written(lambda: (self.copy / 'a/d').write_text('x')), ['a/d'])
        self.assertEqual(self.written((self.copy / 'link').unlink), ['link'])

    def test_deleted_files_are_removed_and_build_products_are_kept(self):
        (self.source / 'a/b/c').unlink()
        (self.source / 'a/d').unlink()
        (self.copy / 'a/d.o').touch()
        self.update()
        self.assertFalse((self.copy / 'a/b').exists())
        self.assertEqual(os.listdir(self.copy / 'a'), ['d.o'])

    def test_files_directories_and_links_replace_each_other(self):
        def swap():
            (self.source / 'a/b/c').unlink()
            (self.source / 'a/b').rmdir()
            (self.source / 'a/b').write_text('a file now')
            (self.source / 'link').unlink()
            write(self.source, {'link/in': ''})
            (self.source / 'empty').unlink()
            (self.source / 'empty').symlink_to('a')
        self.assertEqual(self.written(swap), ['a/b', 'empty', 'link/in'])
        (self.source / 'link/in').unlink()
        (self.source / 'link').rmdir()
        self.assertEqual(self.written(lambda: (self.source / 'link').symlink_to('a')), ['link'])

    def test_a_file_replaces_a_build_product(self):
        (self.source / 'a/b/c').unlink()
        write(self.copy, {'a/new/product.o': ''})
        self.update()
        (self.source / 'a/new').write_text('')
        self.update()
        self.assertTrue((self.copy / 'a/new').is_file())

    def test_a_change_of_the_mode_is_copied(self):
        (self.source / 'a/d').chmod(0o600)
        self.update()
        self.assertEqual((self.copy / 'a/d').stat().st_mode & 0o777, 0o600)

    def test_an_interrupted_update_is_completed(self):
        write(self.source, {f'new{n}': str(n) for n in range(9)})
        (self.source / 'a/d').write_text('changed')
        real = Mirror._copy
        copied = []

        def interrupt(mirror, original, name):
            if len(copied) == 4:
                raise KeyboardInterrupt
            copied.append(name)
            return real(mirror, original, name)

        with mock.patch.object(Mirror, '_copy', interrupt), self.assertRaises(KeyboardInterrupt):
            self.update()
        # The originals of some copied files are deleted before the next update.
        for name in copied:
            (self.source / name).unlink()
        self.update()
        self.assertEqual(snapshot(self.copy), snapshot(self.source))

    def test_a_copy_without_a_valid_record_is_created_again(self):
        for record in ('', '[1]', '{"a"'):
            write(self.copy, {'stale': ''})
            self.copy.with_name('record').write_text(record)
            self.update()
            self.assertEqual(snapshot(self.copy), snapshot(self.source), record)

    def test_a_file_that_is_deleted_during_the_update_is_left_out(self):
        files = {'a/d': (self.source / 'a/d').lstat(), 'deleted': (self.source / 'a/d').lstat()}
        Mirror(self.copy, self.copy.with_name('record')).update(self.source, files)
        self.assertFalse((self.copy / 'deleted').exists())

    def test_an_unreadable_file_is_named(self):
        (self.source / 'a/d').write_text('secret')
        with mock.patch('kernel.mirror._content', side_effect=PermissionError(13, 'Permission denied')), \
             self.assertRaisesRegex(UserError, 'a/d cannot be copied: Permission denied'):
            self.update()


if __name__ == '__main__':
    unittest.main()
