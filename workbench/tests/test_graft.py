# SPDX-License-Identifier: GPL-2.0-only
"""Grafting: what it writes, what it refuses, and that it leaves no trace."""

import json
import os
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from subject import graft, placement
from subject.overlay import load
from trees import DRIVER as OURS
from trees import CONTENTS, git, make_overlay, snapshot, write

KCONFIG = 'drivers/misc/widget/Kconfig'
RECORD = graft.record_name('widget')


class GraftTest(unittest.TestCase):
    """Each case has a small tree with the files that the rules change."""

    def setUp(self):
        self.tree = Path(tempfile.mkdtemp(prefix='a path with a space '))
        self.addCleanup(shutil.rmtree, self.tree)
        self.overlay = make_overlay(self)
        write(self.tree, CONTENTS)
        os.chmod(self.tree / 'lib/Makefile', 0o600)
        self.before = snapshot(self.tree)

    def graft(self, tree, sources=None, wanted=None):
        return graft.graft(tree, self.overlay, sources, wanted)

    def ungraft(self, tree):
        return graft.ungraft(tree, 'widget')

    def text(self, name):
        return (self.tree / name).read_bytes().decode('latin-1')

    def test_puts_every_file_and_every_line_there(self):
        self.graft(self.tree)
        for name, source in self.overlay.files.items():
            self.assertEqual((self.tree / name).read_bytes(), source.read_bytes(), name)
        for rule in placement.rules(self.overlay):
            self.assertIn(rule.lines, self.text(rule.path))

    def test_keeps_a_sorted_list_sorted(self):
        self.graft(self.tree)
        self.assertIn('watchdog\nTARGETS += widget\nTARGETS += zram\n',
                      self.text('tools/testing/selftests/Makefile'))
        self.assertRegex(self.text('Documentation/userspace-api/ioctl/ioctl-number.rst'),
                         'more of one\n0xED .*\n.*\n0xEE')
        self.assertIn('nobody\n\nWIDGET REFERENCE', self.text('MAINTAINERS'))
        self.assertIn('\n\nWIRELESS (802.2)\n', self.text('MAINTAINERS'))

    def test_a_second_graft_changes_nothing(self):
        self.graft(self.tree)
        once = snapshot(self.tree)
        self.assertEqual(self.graft(self.tree), 0)
        self.assertEqual(snapshot(self.tree), once)

    def test_ungraft_gives_the_tree_back_byte_for_byte(self):
        self.graft(self.tree)
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_ungraft_of_a_tree_without_a_graft_changes_nothing(self):
        self.assertEqual(self.ungraft(self.tree), 0)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_other_changes_made_in_between_are_kept(self):
        self.graft(self.tree)
        with open(self.tree / 'drivers/misc/Kconfig', 'a', encoding='utf-8') as kconfig:
            kconfig.write('source "drivers/misc/mine/Kconfig"\n')
        self.ungraft(self.tree)
        self.assertEqual(self.text('drivers/misc/Kconfig').splitlines(), [
            'menu "x"', 'source "drivers/misc/keba/Kconfig"', 'endmenu',
            'source "drivers/misc/mine/Kconfig"'])

    def test_a_foreign_file_is_refused_and_nothing_is_written(self):
        (self.tree / OURS).parent.mkdir(parents=True)
        (self.tree / OURS).write_text('mine\n', encoding='utf-8')
        before = snapshot(self.tree)
        with self.assertRaisesRegex(UserError, OURS):
            self.graft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_file_edited_after_the_graft_is_not_overwritten(self):
        self.graft(self.tree)
        (self.tree / OURS).write_text('edited\n', encoding='utf-8')
        for action in (self.graft, self.ungraft):
            with self.assertRaisesRegex(UserError, OURS):
                action(self.tree)
            self.assertEqual(self.text(OURS), 'edited\n')

    def test_an_edit_brought_back_into_the_repository_is_no_edit_any_more(self):
        self.graft(self.tree)
        (self.tree / OURS).write_text('edited\n', encoding='utf-8')
        newer = {**self.overlay.files, OURS: self.tree / 'changed'}
        shutil.copyfile(self.tree / OURS, newer[OURS])
        self.graft(self.tree, newer)
        newer[OURS].unlink()
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_a_file_that_was_there_already_survives_the_ungraft(self):
        (self.tree / OURS).parent.mkdir(parents=True)
        shutil.copyfile(self.overlay.files[OURS], self.tree / OURS)
        self.graft(self.tree)
        self.ungraft(self.tree)
        self.assertTrue((self.tree / OURS).exists())

    def test_a_tree_without_a_file_that_the_rules_need_is_refused(self):
        (self.tree / 'lib/Makefile').unlink()
        before = snapshot(self.tree)
        with self.assertRaisesRegex(UserError, 'lib/Makefile'):
            self.graft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_new_version_replaces_the_old_one_and_drops_what_is_gone(self):
        self.graft(self.tree)
        files = self.overlay.files
        changed = self.tree / 'changed'
        changed.write_text('newer\n', encoding='utf-8')
        newer = {**files, OURS: changed}
        gone = KCONFIG
        del newer[gone]
        del newer['include/uapi/linux/widget.h']
        self.graft(self.tree, newer)
        changed.unlink()
        self.assertEqual(self.text(OURS), 'newer\n')
        self.assertFalse((self.tree / gone).exists())
        self.assertFalse((self.tree / 'include/uapi').exists())
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_a_graft_cut_off_at_any_write_is_undone_or_completed(self):
        write = graft._write
        writes = []

        def cut_off(path, data, mode=0o644):
            writes.append(path)
            if len(writes) > allowed:
                raise KeyboardInterrupt
            write(path, data, mode)

        for allowed in (0, 1, 2, 5, len(self.overlay.files), len(self.overlay.files) + 3):
            for repair in (self.ungraft, self.graft):
                writes.clear()
                with mock.patch.object(graft, '_write', cut_off):
                    with self.assertRaises(KeyboardInterrupt):
                        self.graft(self.tree)
                repair(self.tree)
                self.ungraft(self.tree)
                self.assertEqual(snapshot(self.tree), self.before, (allowed, repair))

    def cut_off_after(self, allowed, action):
        """Do something of which only so many writes succeed."""
        write = graft._write
        writes = []

        def cut_off(path, data, mode=0o644):
            writes.append(path)
            if len(writes) > allowed:
                raise KeyboardInterrupt
            write(path, data, mode)

        with mock.patch.object(graft, '_write', cut_off), self.assertRaises(KeyboardInterrupt):
            action()

    def test_a_new_version_of_the_lines_cut_off_at_any_write(self):
        newer = [rule._replace(lines=rule.lines.replace('widget', 'widget_new'))
                 for rule in placement.rules(self.overlay)]
        for allowed in range(2 + len(newer)):
            for repair in (self.ungraft, self.graft, lambda tree: self.graft(tree, wanted=newer)):
                self.graft(self.tree)
                self.cut_off_after(allowed, lambda: self.graft(self.tree, wanted=newer))
                repair(self.tree)
                self.ungraft(self.tree)
                self.assertEqual(snapshot(self.tree), self.before, (allowed, repair))

    def edit(self, path, old, new):
        text = self.text(path)
        self.assertIn(old, text)
        write(self.tree, {path: text.replace(old, new, 1)})

    def assert_refused(self, action, pattern):
        """Do something that is refused, with everything left as it is."""
        before = snapshot(self.tree)
        with self.assertRaisesRegex(UserError, pattern):
            action(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_an_edited_line_is_named_and_nothing_changes(self):
        source = 'source "drivers/misc/widget/Kconfig"\n'
        for path, old, new in (
                ('drivers/misc/Kconfig', source, f'# {source}'),
                ('drivers/misc/Kconfig', source, f'\t{source}'),
                ('drivers/misc/Kconfig', source, source.replace('\n', '\r\n')),
                ('lib/Makefile', 'obj-$(CONFIG_WIDGET_KUNIT_TEST)', 'obj-y'),
                ('lib/Kconfig.debug', '"\n\nendif', '"\nendif'),
                ('tools/testing/selftests/Makefile', 'TARGETS += widget', 'TARGETS += widget2'),
                ('MAINTAINERS', 'S:\t', 'S:\tNot '), ('MAINTAINERS', 'WIDGET', 'OTHER')):
            self.graft(self.tree)
            text = self.text(path)
            if path == 'MAINTAINERS':
                self.assertEqual(text.count('S:\t'), 1)
            # A line that is gone is noticed at the one that follows.
            number = text[:text.index(old)].count('\n') + 1 + (path == 'lib/Kconfig.debug')
            self.edit(path, old, new)
            for action in (self.graft, self.ungraft):
                self.assert_refused(action, f'{path}:{number}: ' if new != 'OTHER' else path)
            write(self.tree, {path: text})
            self.ungraft(self.tree)
            self.assertEqual(snapshot(self.tree), self.before, new)

    def test_a_line_that_was_doubled(self):
        self.graft(self.tree)
        line = 'source "drivers/misc/widget/Kconfig"\n'
        self.edit('drivers/misc/Kconfig', 'endmenu\n', f'endmenu\n{line}')
        self.assert_refused(self.ungraft, 'drivers/misc/Kconfig:5: source')

    def test_a_line_that_was_moved_is_taken_out(self):
        self.graft(self.tree)
        line = 'source "drivers/misc/widget/Kconfig"\n'
        self.edit('drivers/misc/Kconfig', line, '')
        self.edit('drivers/misc/Kconfig', 'menu "x"\n', f'menu "x"\n{line}')
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_a_line_that_was_removed(self):
        line = 'source "drivers/misc/widget/Kconfig"\n'
        self.graft(self.tree)
        once = snapshot(self.tree)
        self.edit('drivers/misc/Kconfig', line, '')
        self.graft(self.tree)
        self.assertEqual(snapshot(self.tree), once)
        self.edit('drivers/misc/Kconfig', line, '')
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_lines_that_git_clean_has_left(self):
        git(self.tree, 'init', '-q')
        git(self.tree, 'add', '-A')
        before = snapshot(self.tree)
        self.graft(self.tree)
        git(self.tree, 'clean', '-qfdx')
        self.graft(self.tree)
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_file_with_the_line_ends_of_another_system(self):
        write(self.tree, {'lib/Makefile': self.text('lib/Makefile').replace('\n', '\r\n')})
        self.assert_refused(self.graft, 'lib/Makefile .*CR LF')

    def test_a_last_line_that_does_not_end(self):
        write(self.tree, {'lib/Makefile': 'obj-y += kunit/'})
        self.assert_refused(self.graft, 'lib/Makefile does not end')

    def test_read_only_files(self):
        os.chmod(self.tree / 'lib/Makefile', 0o444)
        before = snapshot(self.tree)
        self.graft(self.tree)
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_directory_that_cannot_be_written_to(self):
        real = os.access
        self.graft(self.tree)
        with mock.patch('os.access', lambda path, mode: path != self.tree / 'lib' and real(path, mode)):
            self.assert_refused(self.ungraft, 'lib cannot be written to')
            newer = {**self.overlay.files, 'lib/new.c': self.tree / OURS}
            self.assert_refused(lambda tree: self.graft(tree, newer), 'lib cannot be written to')

    def test_symbolic_links_are_not_followed(self):
        outside = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, outside)
        for path in ('lib', 'lib/Makefile', 'drivers/misc', 'Documentation'):
            for grafted in (False, True):
                if grafted:
                    self.graft(self.tree)
                (self.tree / path).rename(outside / 'moved')
                (self.tree / path).symlink_to(outside / 'moved')
                self.assert_refused(self.graft, f'{path} is a symbolic link')
                if grafted:
                    self.assert_refused(self.ungraft, f'{path} is a symbolic link')
                (self.tree / path).unlink()
                (outside / 'moved').rename(self.tree / path)
                self.ungraft(self.tree)

    def test_a_record_that_graft_has_not_written(self):
        good = {'files': {}, 'lines': {}, 'directories': []}
        outside = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, outside)
        (outside / 'x').write_text('mine')
        digest = graft._digest(b'mine')
        records = ['', '[]', '1', 'null', '{}', '{"files": 1}', '\xff', *map(json.dumps, (
            {**good, 'files': []}, {**good, 'files': {'a': 'b'}}, {**good, 'files': {'a': [1]}},
            {**good, 'lines': {'a': 1}}, {**good, 'directories': {}}, {**good, 'directories': [1]},
            {**good, 'files': {str(outside / 'x'): [digest]}}, {**good, 'files': {'../x': [digest]}},
            {**good, 'files': {'a/../../x': [digest]}}, {**good, 'lines': {'': ['x\n']}},
            {**good, 'lines': {'a/./b': ['x\n']}}, {**good, 'directories': ['..']}))]
        for record in records:
            (self.tree / RECORD).write_text(record, encoding='latin-1')
            for action in (self.graft, self.ungraft):
                self.assert_refused(action, f'{RECORD} is damaged')
        (self.tree / RECORD).unlink()
        (self.tree / RECORD).mkdir()
        self.assert_refused(self.ungraft, f'{RECORD} is damaged')
        self.assertEqual((outside / 'x').read_text(), 'mine')

    def test_a_record_of_an_earlier_version(self):
        self.graft(self.tree)
        record = json.loads((self.tree / RECORD).read_text())
        record['lines'] = {path: texts[0] for path, texts in record['lines'].items()}
        (self.tree / RECORD).write_text(json.dumps(record))
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    @unittest.skipIf(os.geteuid(), 'only root writes into the trees of others')
    def test_the_tree_stays_that_of_its_owner(self):
        for path in (self.tree, *self.tree.rglob('*')):
            os.chown(path, 4242, 4243)
        self.graft(self.tree)
        for path in self.tree.rglob('*'):
            self.assertEqual((path.stat().st_uid, path.stat().st_gid), (4242, 4243), path)

    def test_an_overlay_without_a_file_that_its_maintainers_name(self):
        shutil.rmtree(self.overlay.root / 'lib')
        overlay = load(self.overlay.root)
        self.assert_refused(lambda tree: graft.graft(tree, overlay),
                            'has no lib/widget_kunit/, which MAINTAINERS.patch')

    def test_a_tree_that_has_the_driver(self):
        self.assertFalse(graft.holds_driver(self.tree, self.overlay))
        self.graft(self.tree)
        self.assertTrue(graft.holds_driver(self.tree, self.overlay))
        (self.tree / RECORD).unlink()
        self.assertTrue(graft.holds_driver(self.tree, self.overlay))

    def test_the_pristine_file_of_a_tree_that_has_the_driver_without_a_record(self):
        self.graft(self.tree)
        (self.tree / RECORD).unlink()
        for rule in placement.rules(self.overlay):
            self.assertEqual(graft.pristine(self.tree, rule.path, self.overlay),
                             CONTENTS[rule.path].encode('latin-1'))


if __name__ == '__main__':
    unittest.main()
