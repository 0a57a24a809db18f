# SPDX-License-Identifier: GPL-2.0-only
"""Test graft and ungraft: the changes, the refusals, and the restoration of the tree."""

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
from trees import CONTENTS, DRIVER, git, make_overlay, snapshot, write

KCONFIG = 'drivers/misc/widget/Kconfig'
RECORD = graft.record_name('widget')


class GraftTest(unittest.TestCase):
    """Test graft and ungraft with a small tree that has the files that the rules change."""

    def setUp(self):
        self.tree = Path(tempfile.mkdtemp(prefix='a path with a space '))
        self.addCleanup(shutil.rmtree, self.tree)
        self.overlay = make_overlay(self)
        write(self.tree, CONTENTS)
        os.chmod(self.tree / 'lib/Makefile', 0o600)
        self.before = snapshot(self.tree)

    def graft(self, tree, sources=None, rules=None):
        return graft.graft(tree, self.overlay, sources, rules)

    def ungraft(self, tree):
        return graft.ungraft(tree, 'widget')

    def text(self, name):
        return (self.tree / name).read_bytes().decode('latin-1')

    def test_graft_adds_every_file_and_every_line(self):
        self.graft(self.tree)
        for name, source in self.overlay.files.items():
            self.assertEqual((self.tree / name).read_bytes(), source.read_bytes(), name)
        for rule in placement.rules(self.overlay):
            self.assertIn(rule.lines, self.text(rule.path))

    def test_sorted_lists_remain_sorted(self):
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

    def test_ungraft_restores_the_tree_byte_for_byte(self):
        self.graft(self.tree)
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_ungraft_of_a_tree_without_a_graft_changes_nothing(self):
        self.assertEqual(self.ungraft(self.tree), 0)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_other_changes_after_the_graft_are_kept(self):
        self.graft(self.tree)
        with open(self.tree / 'drivers/misc/Kconfig', 'a', encoding='utf-8') as kconfig:
            kconfig.write('source "drivers/misc/mine/Kconfig"\n')
        self.ungraft(self.tree)
        self.assertEqual(self.text('drivers/misc/Kconfig').splitlines(), [
            'menu "x"', 'source "drivers/misc/keba/Kconfig"', 'endmenu',
            'source "drivers/misc/mine/Kconfig"'])

    def test_a_foreign_file_is_refused_and_nothing_is_written(self):
        (self.tree / DRIVER).parent.mkdir(parents=True)
        (self.tree / DRIVER).write_text('mine\n', encoding='utf-8')
        before = snapshot(self.tree)
        with self.assertRaisesRegex(UserError, DRIVER):
            self.graft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_file_edited_after_the_graft_is_not_overwritten(self):
        self.graft(self.tree)
        (self.tree / DRIVER).write_text('edited\n', encoding='utf-8')
        for action in (self.graft, self.ungraft):
            with self.assertRaisesRegex(UserError, DRIVER):
                action(self.tree)
            self.assertEqual(self.text(DRIVER), 'edited\n')

    def test_an_edit_that_the_overlay_adopts_is_not_an_error(self):
        self.graft(self.tree)
        (self.tree / DRIVER).write_text('edited\n', encoding='utf-8')
        newer = {**self.overlay.files, DRIVER: self.tree / 'changed'}
        shutil.copyfile(self.tree / DRIVER, newer[DRIVER])
        self.graft(self.tree, newer)
        newer[DRIVER].unlink()
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_a_file_that_existed_before_is_kept_by_ungraft(self):
        (self.tree / DRIVER).parent.mkdir(parents=True)
        shutil.copyfile(self.overlay.files[DRIVER], self.tree / DRIVER)
        self.graft(self.tree)
        self.ungraft(self.tree)
        self.assertTrue((self.tree / DRIVER).exists())

    def test_a_tree_without_a_file_that_the_rules_change_is_refused(self):
        (self.tree / 'lib/Makefile').unlink()
        before = snapshot(self.tree)
        with self.assertRaisesRegex(UserError, 'lib/Makefile'):
            self.graft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_new_version_replaces_the_old_one_and_removes_obsolete_files(self):
        self.graft(self.tree)
        files = self.overlay.files
        changed = self.tree / 'changed'
        changed.write_text('newer\n', encoding='utf-8')
        newer = {**files, DRIVER: changed}
        obsolete = KCONFIG
        del newer[obsolete]
        del newer['include/uapi/linux/widget.h']
        self.graft(self.tree, newer)
        changed.unlink()
        self.assertEqual(self.text(DRIVER), 'newer\n')
        self.assertFalse((self.tree / obsolete).exists())
        self.assertFalse((self.tree / 'include/uapi').exists())
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_a_graft_interrupted_at_any_write_is_undone_or_completed(self):
        write = graft._write
        writes = []

        def interrupt(path, data, mode=0o644):
            writes.append(path)
            if len(writes) > allowed:
                raise KeyboardInterrupt
            write(path, data, mode)

        for allowed in (0, 1, 2, 5, len(self.overlay.files), len(self.overlay.files) + 3):
            for repair in (self.ungraft, self.graft):
                writes.clear()
                with mock.patch.object(graft, '_write', interrupt):
                    with self.assertRaises(KeyboardInterrupt):
                        self.graft(self.tree)
                repair(self.tree)
                self.ungraft(self.tree)
                self.assertEqual(snapshot(self.tree), self.before, (allowed, repair))

    def interrupt_after(self, allowed, action):
        """Call action, and interrupt it after a number of writes."""
        write = graft._write
        writes = []

        def interrupt(path, data, mode=0o644):
            writes.append(path)
            if len(writes) > allowed:
                raise KeyboardInterrupt
            write(path, data, mode)

        with mock.patch.object(graft, '_write', interrupt), self.assertRaises(KeyboardInterrupt):
            action()

    def test_an_update_of_the_lines_interrupted_at_any_write_is_undone_or_completed(self):
        newer = [rule._replace(lines=rule.lines.replace('widget', 'widget_new'))
                 for rule in placement.rules(self.overlay)]
        for allowed in range(2 + len(newer)):
            for repair in (self.ungraft, self.graft, lambda tree: self.graft(tree, rules=newer)):
                self.graft(self.tree)
                self.interrupt_after(allowed, lambda: self.graft(self.tree, rules=newer))
                repair(self.tree)
                self.ungraft(self.tree)
                self.assertEqual(snapshot(self.tree), self.before, (allowed, repair))

    def edit(self, path, old, new):
        text = self.text(path)
        self.assertIn(old, text)
        write(self.tree, {path: text.replace(old, new, 1)})

    def assert_refused(self, action, pattern):
        """Assert that action is refused and changes nothing."""
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
            # The message names the line behind a removed one.
            number = text[:text.index(old)].count('\n') + 1 + (path == 'lib/Kconfig.debug')
            self.edit(path, old, new)
            for action in (self.graft, self.ungraft):
                self.assert_refused(action, f'{path}:{number}: ' if new != 'OTHER' else path)
            write(self.tree, {path: text})
            self.ungraft(self.tree)
            self.assertEqual(snapshot(self.tree), self.before, new)

    def test_a_repeated_line_is_refused(self):
        self.graft(self.tree)
        line = 'source "drivers/misc/widget/Kconfig"\n'
        self.edit('drivers/misc/Kconfig', 'endmenu\n', f'endmenu\n{line}')
        self.assert_refused(self.ungraft, 'drivers/misc/Kconfig:5: source')

    def test_a_moved_line_is_removed_by_ungraft(self):
        self.graft(self.tree)
        line = 'source "drivers/misc/widget/Kconfig"\n'
        self.edit('drivers/misc/Kconfig', line, '')
        self.edit('drivers/misc/Kconfig', 'menu "x"\n', f'menu "x"\n{line}')
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_a_removed_line_is_added_again(self):
        line = 'source "drivers/misc/widget/Kconfig"\n'
        self.graft(self.tree)
        once = snapshot(self.tree)
        self.edit('drivers/misc/Kconfig', line, '')
        self.graft(self.tree)
        self.assertEqual(snapshot(self.tree), once)
        self.edit('drivers/misc/Kconfig', line, '')
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_lines_without_a_record_after_git_clean_are_removed(self):
        git(self.tree, 'init', '-q')
        git(self.tree, 'add', '-A')
        before = snapshot(self.tree)
        self.graft(self.tree)
        git(self.tree, 'clean', '-qfdx')
        self.graft(self.tree)
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_file_with_cr_lf_is_refused(self):
        write(self.tree, {'lib/Makefile': self.text('lib/Makefile').replace('\n', '\r\n')})
        self.assert_refused(self.graft, 'lib/Makefile .*CR LF')

    def test_a_last_line_without_a_line_break_is_refused(self):
        write(self.tree, {'lib/Makefile': 'obj-y += kunit/'})
        self.assert_refused(self.graft, 'lib/Makefile has no line break')

    def test_read_only_files_remain_read_only(self):
        os.chmod(self.tree / 'lib/Makefile', 0o444)
        before = snapshot(self.tree)
        self.graft(self.tree)
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_a_directory_that_is_not_writable_is_refused(self):
        real = os.access
        self.graft(self.tree)
        with mock.patch('os.access', lambda path, mode: path != self.tree / 'lib' and real(path, mode)):
            self.assert_refused(self.ungraft, 'lib is not writable')
            newer = {**self.overlay.files, 'lib/new.c': self.tree / DRIVER}
            self.assert_refused(lambda tree: self.graft(tree, newer), 'lib is not writable')

    def test_symbolic_links_are_refused(self):
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

    def test_an_invalid_record_is_refused(self):
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

    def test_a_record_of_an_earlier_version_is_read(self):
        self.graft(self.tree)
        record = json.loads((self.tree / RECORD).read_text())
        record['lines'] = {path: texts[0] for path, texts in record['lines'].items()}
        (self.tree / RECORD).write_text(json.dumps(record))
        self.ungraft(self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    @unittest.skipIf(os.geteuid(), 'requires root, which can write to trees of other users')
    def test_new_files_belong_to_the_owner_of_the_tree(self):
        for path in (self.tree, *self.tree.rglob('*')):
            os.chown(path, 4242, 4243)
        self.graft(self.tree)
        for path in self.tree.rglob('*'):
            self.assertEqual((path.stat().st_uid, path.stat().st_gid), (4242, 4243), path)

    def test_an_overlay_without_a_path_of_its_maintainers_entry_is_refused(self):
        shutil.rmtree(self.overlay.root / 'lib')
        overlay = load(self.overlay.root)
        self.assert_refused(lambda tree: graft.graft(tree, overlay),
                            'has no lib/widget_kunit/, which MAINTAINERS.patch')

    def test_a_tree_with_the_driver_is_recognised(self):
        self.assertFalse(graft.holds_driver(self.tree, self.overlay))
        self.graft(self.tree)
        self.assertTrue(graft.holds_driver(self.tree, self.overlay))
        (self.tree / RECORD).unlink()
        self.assertTrue(graft.holds_driver(self.tree, self.overlay))

    def test_pristine_removes_lines_without_a_record(self):
        self.graft(self.tree)
        (self.tree / RECORD).unlink()
        for rule in placement.rules(self.overlay):
            self.assertEqual(graft.pristine(self.tree, rule.path, self.overlay),
                             CONTENTS[rule.path].encode('latin-1'))


if __name__ == '__main__':
    unittest.main()
