# SPDX-License-Identifier: GPL-2.0-only
"""Grafting: what it writes, what it refuses, and that it leaves no trace."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import graft
from console import UserError

OURS = 'drivers/misc/lkmdemo/main.c'


def snapshot(tree):
    """Every file of a tree with its content and mode, every directory."""
    return {str(path.relative_to(tree)): (path.stat().st_mode, path.is_file() and path.read_bytes())
            for path in sorted(tree.rglob('*'))}


class GraftTest(unittest.TestCase):
    """Each case has a small tree with the files that the rules change."""

    def setUp(self):
        self.tree = Path(tempfile.mkdtemp(prefix='a path with a space '))
        self.addCleanup(shutil.rmtree, self.tree)
        contents = {
            'Documentation/subsystem-apis.rst': '   hwmon/index\n   misc-devices/index\n   peci/index\n',
            'Documentation/userspace-api/ioctl/ioctl-number.rst': (
                '====  =====\n0xEC  00-01  one\n             more of one\n0xEE  00-09  two\n====  =====\n'),
            'MAINTAINERS': ('A FIRST ENTRY\nM:\tnobody\n\nLIVE UPDATE\nM:\tnobody\n\n'
                            'LLC (802.2)\nM:\tnobody\n'),
            'drivers/misc/Kconfig': 'menu "x"\nsource "drivers/misc/keba/Kconfig"\nendmenu\n',
            'drivers/misc/Makefile': 'obj-$(CONFIG_A)\t+= a.o\nobj-y\t+= keba/\n\n# \xff\n',
            'lib/Kconfig.debug': 'config A\n\nendif # RUNTIME_TESTING_MENU\n',
            'lib/Makefile': 'obj-y += kunit/\nobj-y += math/ tests/\nlast = line without newline',
            'tools/testing/selftests/Makefile': ('TARGETS += lib\nTARGETS += lkdtm\nTARGETS += lsm\n'
                                                 'TARGETS += zram\nTARGETS_HOTPLUG = cpu\n'),
        }
        for name, text in contents.items():
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            (self.tree / name).write_bytes(text.encode('latin-1'))
        os.chmod(self.tree / 'lib/Makefile', 0o600)
        self.before = snapshot(self.tree)

    def text(self, name):
        return (self.tree / name).read_bytes().decode('latin-1')

    def test_puts_every_file_and_every_line_there(self):
        graft.graft(self.tree)
        for name, source in graft.upstream_files().items():
            self.assertEqual((self.tree / name).read_bytes(), source.read_bytes(), name)
        for rule in graft.all_rules():
            self.assertIn(rule.lines, self.text(rule.path))

    def test_keeps_a_sorted_list_sorted(self):
        graft.graft(self.tree)
        self.assertIn('lkdtm\nTARGETS += lkmdemo\nTARGETS += lsm\n',
                      self.text('tools/testing/selftests/Makefile'))
        self.assertRegex(self.text('Documentation/userspace-api/ioctl/ioctl-number.rst'),
                         'more of one\n0xED .*\n.*\n0xEE')
        self.assertIn('nobody\n\nLKMDEMO REFERENCE', self.text('MAINTAINERS'))
        self.assertIn('\n\nLLC (802.2)\n', self.text('MAINTAINERS'))

    def test_a_second_graft_changes_nothing(self):
        graft.graft(self.tree)
        once = snapshot(self.tree)
        self.assertEqual(graft.graft(self.tree), 0)
        self.assertEqual(snapshot(self.tree), once)

    def test_ungraft_gives_the_tree_back_byte_for_byte(self):
        graft.graft(self.tree)
        graft.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_ungraft_of_a_tree_without_a_graft_changes_nothing(self):
        self.assertEqual(graft.ungraft(self.tree), 0)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_other_changes_made_in_between_are_kept(self):
        graft.graft(self.tree)
        with open(self.tree / 'drivers/misc/Kconfig', 'a', encoding='utf-8') as kconfig:
            kconfig.write('source "drivers/misc/mine/Kconfig"\n')
        graft.ungraft(self.tree)
        self.assertEqual(self.text('drivers/misc/Kconfig').splitlines(), [
            'menu "x"', 'source "drivers/misc/keba/Kconfig"', 'endmenu',
            'source "drivers/misc/mine/Kconfig"'])

    def test_a_foreign_file_is_refused_and_nothing_is_written(self):
        (self.tree / OURS).parent.mkdir(parents=True)
        (self.tree / OURS).write_text('mine\n', encoding='utf-8')
        before = snapshot(self.tree)
        with self.assertRaisesRegex(UserError, OURS):
            graft.graft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_file_edited_after_the_graft_is_not_overwritten(self):
        graft.graft(self.tree)
        (self.tree / OURS).write_text('edited\n', encoding='utf-8')
        for action in (graft.graft, graft.ungraft):
            with self.assertRaisesRegex(UserError, OURS):
                action(self.tree)
            self.assertEqual(self.text(OURS), 'edited\n')

    def test_an_edit_brought_back_into_the_repository_is_no_edit_any_more(self):
        graft.graft(self.tree)
        (self.tree / OURS).write_text('edited\n', encoding='utf-8')
        newer = {**graft.upstream_files(), OURS: self.tree / 'changed'}
        shutil.copyfile(self.tree / OURS, newer[OURS])
        graft.graft(self.tree, newer)
        newer[OURS].unlink()
        graft.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_a_file_that_was_there_already_survives_the_ungraft(self):
        (self.tree / OURS).parent.mkdir(parents=True)
        shutil.copyfile(graft.upstream_files()[OURS], self.tree / OURS)
        graft.graft(self.tree)
        graft.ungraft(self.tree)
        self.assertTrue((self.tree / OURS).exists())

    def test_a_tree_without_a_file_that_the_rules_need_is_refused(self):
        (self.tree / 'lib/Makefile').unlink()
        before = snapshot(self.tree)
        with self.assertRaisesRegex(UserError, 'lib/Makefile'):
            graft.graft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_new_version_replaces_the_old_one_and_drops_what_is_gone(self):
        graft.graft(self.tree)
        files = graft.upstream_files()
        changed = self.tree / 'changed'
        changed.write_text('newer\n', encoding='utf-8')
        newer = {**files, OURS: changed}
        gone = 'drivers/misc/lkmdemo/file.c'
        del newer[gone]
        with mock.patch.object(graft, 'upstream_files', return_value=newer):
            graft.graft(self.tree)
        changed.unlink()
        self.assertEqual(self.text(OURS), 'newer\n')
        self.assertFalse((self.tree / gone).exists())
        graft.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_a_graft_cut_off_at_any_write_is_undone_or_completed(self):
        write = graft._write
        writes = []

        def cut_off(path, data, mode=0o644):
            writes.append(path)
            if len(writes) > allowed:
                raise KeyboardInterrupt
            write(path, data, mode)

        for allowed in (0, 1, 2, 5, len(graft.upstream_files()), len(graft.upstream_files()) + 3):
            for repair in (graft.ungraft, graft.graft):
                writes.clear()
                with mock.patch.object(graft, '_write', cut_off):
                    with self.assertRaises(KeyboardInterrupt):
                        graft.graft(self.tree)
                repair(self.tree)
                graft.ungraft(self.tree)
                self.assertEqual(snapshot(self.tree), self.before, (allowed, repair))


if __name__ == '__main__':
    unittest.main()
