# SPDX-License-Identifier: GPL-2.0-only
"""Test the writer of initial RAM disks."""

import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from host.console import UserError
from host.environment import environment
from machine import initrd
from verdict import kselftest


def read(archive):
    """Return the entries of a newc archive: name, mode and content."""
    found, at = [], 0
    while True:
        magic, *fields = archive[at:at + 6], *(archive[at + 6 + 8 * n:at + 14 + 8 * n] for n in range(13))
        assert magic == b'070701'
        mode, size, name_size = (int(fields[number], 16) for number in (1, 6, 11))
        name = archive[at + 110:at + 110 + name_size - 1].decode()
        data = (at + 110 + name_size + 3) // 4 * 4
        if name == 'TRAILER!!!':
            return found, archive[data:]
        found.append((name, mode, archive[data:data + size]))
        at = (data + size + 3) // 4 * 4


class ArchiveTest(unittest.TestCase):
    """Test the format."""

    def test_entries_of_each_type_can_be_read(self):
        found, rest = read(initrd.archive([initrd.file('init', b'#!/bin/sh\n', 0o755), initrd.link('sh', 'dash'),
                                           initrd.directory('run')]))
        self.assertEqual(found, [('init', stat.S_IFREG | 0o755, b'#!/bin/sh\n'), ('sh', stat.S_IFLNK | 0o777, b'dash'),
                                 ('run', stat.S_IFDIR | 0o755, b'')])
        self.assertEqual(rest, b'')

    def test_contents_of_any_size_are_aligned(self):
        for size in range(6):
            with self.subTest(size):
                archive = initrd.archive([initrd.file('a' * size + 'x', b'1' * size), initrd.file('b', b'2')])
                self.assertEqual(len(archive) % 4, 0)
                self.assertEqual([content for _, _, content in read(archive)[0]], [b'1' * size, b'2'])

    def test_missing_parents_come_before_a_file_once(self):
        found, _ = read(initrd.archive([initrd.file('a/b/c', b''), initrd.file('a/d', b'')]))
        self.assertEqual([name for name, _, _ in found], ['a', 'a/b', 'a/b/c', 'a/d'])

    def test_the_first_entry_of_a_path_applies(self):
        found, _ = read(initrd.archive([initrd.file('a', b'1'), initrd.file('a', b'2')]))
        self.assertEqual([content for _, _, content in found], [b'1'])

    @unittest.skipUnless(shutil.which('cpio'), 'cpio is not installed')
    def test_cpio_reads_an_archive(self):
        archive = initrd.archive([initrd.file('a/b', b'text')])
        result = subprocess.run(['cpio', '-t'], input=archive, env=environment(), capture_output=True, check=True)
        self.assertEqual(result.stdout, b'a\na/b\n')


class FilesTest(unittest.TestCase):
    """Test archives from files of the host."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)

    def test_a_tree_keeps_modes_and_links(self):
        (self.root / 'd').mkdir()
        (self.root / 'd/run').write_text('x')
        (self.root / 'd/run').chmod(0o750)
        (self.root / 'l').symlink_to('d/run')
        found = {name: (mode, content) for name, mode, content in read(initrd.archive(
            initrd.tree(self.root, 'opt')))[0]}
        self.assertEqual(found['opt/d/run'], (stat.S_IFREG | 0o750, b'x'))
        self.assertEqual(found['opt/l'][1], b'd/run')

    def test_archives_are_joined_at_aligned_offsets(self):
        names = []
        for number in range(2):
            names.append(initrd.write(self.root / f'{number}', [initrd.file(f'f{number}', b'1')]))
        joined = initrd.join(self.root / 'all', names).read_bytes()
        first, rest = read(joined)
        self.assertEqual([*first, *read(rest)[0]], [(f'f{n}', stat.S_IFREG | 0o644, b'1') for n in range(2)])

    def test_a_failed_write_leaves_no_file(self):
        def entries():
            yield initrd.file('a', b'')
            raise UserError('missing')
        with self.assertRaises(UserError):
            initrd.write(self.root / 'x', entries())
        self.assertEqual(list(self.root.iterdir()), [])

    def test_a_program_comes_with_its_libraries(self):
        libraries = self.root / 'usr/lib/t'
        libraries.mkdir(parents=True)
        for name in ('ld.so', 'liba.so', 'libb.so'):
            (libraries / name).write_text(name)
        (self.root / 'bin').mkdir()
        (self.root / 'bin/p').write_text('p')
        needs = {'p': ('/lib/ld.so', ['liba.so']), 'liba.so': ('', ['libb.so']), 'libb.so': ('', ['liba.so'])}
        with mock.patch.object(initrd, 'needed', lambda path: needs[path.name]):
            names = {entry.path for entry in initrd.program(self.root, 'bin/p', 't')}
            self.assertLessEqual({'bin/p', 'lib/ld.so', 'usr/lib/t/liba.so', 'usr/lib/t/libb.so'}, names)
            (libraries / 'libb.so').unlink()
            with self.assertRaisesRegex(UserError, 'has no libb.so, which .*liba.so requires'):
                list(initrd.program(self.root, 'bin/p', 't'))


class ScriptsTest(unittest.TestCase):
    """Test the scripts in a guest without files of the host."""

    def test_the_script_that_runs_the_kselftests_is_there(self):
        kernel = SimpleNamespace(debug=False, target=SimpleNamespace(share=''))
        command = kselftest.command(kernel, [kselftest.Program('w', 'open')], Path('/kselftest'))
        self.assertIn(command.split()[1], map(str, initrd.SCRIPTS))


if __name__ == '__main__':
    unittest.main()
