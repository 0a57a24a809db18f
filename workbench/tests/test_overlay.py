# SPDX-License-Identifier: GPL-2.0-only
"""Test overlays: their descriptions, the inferred properties, and combinations."""

import shutil
import tempfile
import unittest
from pathlib import Path

from host.console import UserError
from subject import overlay, placement, subject
from subject.subject import Subject
from trees import WIDGET, make_overlay, make_subject, write

# Invalid descriptions, and the messages about them.
INVALID = {
    '': 'name is missing',
    'name = ""': 'name must be a string that is not empty',
    'name = 7': 'name must be a string',
    'name = "Widget"': 'a name consists of 1 to 32',
    'name = "../x"': 'a name consists of 1 to 32',
    'name = "w"\ntitle = "x"': 'unknown key title; known keys: name, sources',
    'name = "w"\nsources = "a"': 'sources must be a list of strings',
    'name = "w"\nsources = ["/etc/passwd"]': '"/etc/passwd" must be a path below',
    'name = "w"\nfolder = "../x"': '"../x" must be a path below',
    'name = "w"\nconfig = ["X=y"]': '"X=y" must have the form CONFIG_NAME=value',
    'name = "w"\nkunit = 7': 'kunit must be a table',
    'name = "w"\n[kunit]\nargs = []': 'unknown key kunit.args',
    'name = "w"\n[packages]\nbench = "test"': 'packages.bench: commands has no bench',
    'name = "w"\n[kunit]\narguments = [1]': 'kunit.arguments must be a list of strings',
    'name = "w"\n[insert]\nfile = "a"': r'insert must be an array of tables: \[\[insert\]\]',
    'name = "w"\n[[insert]]\nfile = "a"': r'insert\[0\].lines is missing',
    'name = "w"\n[[insert]]\nfile = "a"\nlines = "b\\n"': 'must have one of after, before and sorted',
    'name = "w"\n[[insert]]\nfile = "a"\nlines = "b\\n"\nafter = "x"\nbefore = "y"': 'must have one of',
    'name = "w"\n[[insert]]\nfile = "a"\nlines = "b"\nafter = "x"': 'must end with a line break',
    'name = "w"\n[[insert]]\nfile = "a"\nlines = "b\\n"\nafter = "("': 'is not a regular expression',
    'name = "w"\n[selftests.unsupported]\num = "x"': 'selftests.unsupported.um must be a table',
    'name = "w"\n[selftests.unsupported.um]\nx = 7': 'selftests.unsupported.um.x must be a string',
    'name = "w"\n[debug]\nmodule = "w"': 'debug.function is missing',
    'name = ': 'Invalid value',
    'name = "w"\nname = "w"': 'Cannot overwrite',
}


class DescriptionTest(unittest.TestCase):
    """Test the errors about descriptions; each message is a single line."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix='an overlay '))
        self.addCleanup(shutil.rmtree, self.root)

    def assert_refused(self, pattern):
        with self.assertRaisesRegex(UserError, pattern) as caught:
            overlay.load(self.root)
        self.assertNotIn('\n', str(caught.exception))

    def test_an_invalid_description_is_refused(self):
        for text, pattern in INVALID.items():
            with self.subTest(text):
                write(self.root, {'overlay.toml': text})
                self.assert_refused(pattern)

    def test_a_description_of_two_lines_is_valid(self):
        write(self.root, {'overlay.toml': 'name = "ntsync"\nsources = ["drivers/misc/ntsync.c"]\n'})
        found = overlay.load(self.root)
        self.assertTrue(found.is_in_tree)
        self.assertEqual(found.sources, ('drivers/misc/ntsync.c',))

    def test_a_directory_without_a_description_is_refused(self):
        self.assert_refused('has no overlay.toml')

    def test_a_missing_directory_is_refused(self):
        with self.assertRaisesRegex(UserError, 'is not a directory'):
            overlay.load(self.root / 'missing')

    def test_a_binary_description_is_refused(self):
        (self.root / 'overlay.toml').write_bytes(b'\xff\xfe')
        self.assert_refused('is not a text file')


class InferenceTest(unittest.TestCase):
    """Test the properties that are inferred from the files."""

    def setUp(self):
        self.widget = make_overlay(self)

    def test_files_for_the_kernel_are_found(self):
        expected = {name for name in WIDGET if '/' in name} | {'lib/widget_kunit/.kunitconfig'}
        self.assertEqual(set(self.widget.files), expected)

    def test_files_in_the_folder_are_not_for_the_kernel(self):
        write(self.widget.root, {'bench/drivers/x.c': '', 'drivers/x.c': ''})
        text = (self.widget.root / 'overlay.toml').read_text(encoding='utf-8').replace('"bench"', '"drivers"')
        (self.widget.root / 'overlay.toml').write_text(text, encoding='utf-8')
        write(self.widget.root, {'MAINTAINERS.patch': ''})
        found = overlay.load(self.widget.root).files
        self.assertNotIn('drivers/x.c', found)
        self.assertNotIn('bench/drivers/x.c', found)

    def test_directories_targets_and_pages_are_found(self):
        self.assertEqual(self.widget.directories, ['drivers/misc/widget', 'lib/widget_kunit'])
        self.assertEqual(self.widget.targets, ['widget'])
        self.assertEqual(self.widget.pages, ['widget/index'])

    def test_the_rules_follow_from_the_files(self):
        lines = {rule.path: rule.lines for rule in placement.rules(self.widget)}
        self.assertEqual(lines.pop('MAINTAINERS').partition('\n')[0], 'WIDGET REFERENCE DRIVER')
        self.assertEqual(lines, {
            'Documentation/subsystem-apis.rst': '   widget/index\n',
            'Documentation/userspace-api/ioctl/ioctl-number.rst': '0xED  00-01  widget\n'
                                                                  '             <mailto:t@example.org>\n',
            'drivers/misc/Kconfig': 'source "drivers/misc/widget/Kconfig"\n',
            'drivers/misc/Makefile': 'obj-y\t\t\t\t+= widget/\n',
            'lib/Kconfig.debug': 'source "lib/widget_kunit/Kconfig"\n\n',
            'lib/Makefile': 'obj-$(CONFIG_WIDGET_KUNIT_TEST) += widget_kunit/\n',
            'tools/testing/selftests/Makefile': 'TARGETS += widget\n'})

    def test_the_makefile_line_names_a_single_symbol(self):
        single = make_overlay(self, {'overlay.toml': 'name = "a"\n',
                                     'drivers/misc/a/Kconfig': 'config A\n\ttristate "A"\n'})
        lines = {rule.path: rule.lines for rule in placement.rules(single)}
        self.assertEqual(lines['drivers/misc/Makefile'], 'obj-$(CONFIG_A)\t\t\t+= a/\n')

    def test_the_settings_follow_from_the_files(self):
        found = Subject((self.widget,))
        tree = self.widget.root
        self.assertEqual(found.driver_config(tree).split(),
                         ['CONFIG_WIDGET=m', 'CONFIG_WIDGET_CLIENTS=m', 'CONFIG_WIDGET_NET=y'])
        self.assertEqual(found.test_config(tree).split(), ['CONFIG_WIDGET_NET=y', 'CONFIG_NET_NS=y', 'CONFIG_KUNIT=m'])
        self.assertEqual(found.kunit_config().split(), ['CONFIG_WIDGET_KUNIT_TEST=m'])

    def test_the_settings_of_a_driver_in_the_tree_come_from_its_selftests(self):
        found = Subject((make_overlay(self, {'overlay.toml': 'name = "n"\n[selftests]\ntargets = ["drivers/n"]\n'}),))
        tree = found.main.root
        write(tree, {'tools/testing/selftests/drivers/n/config': 'CONFIG_N=y\n'})
        self.assertEqual(found.test_config(tree), 'CONFIG_N=y\n')


class SubjectTest(unittest.TestCase):
    """Test several overlays on one kernel."""

    def test_several_overlays_are_one_subject(self):
        widget = make_overlay(self)
        other = make_overlay(self, {'overlay.toml': 'name = "other"\nsources = ["drivers/misc/other.c"]\n'})
        both = subject.load((str(widget.root), str(other.root)))
        self.assertEqual(both.name, 'widget+other')
        self.assertEqual(both.sources, ('drivers/misc/widget/', 'lib/widget_kunit/', 'drivers/misc/other.c'))

    def test_overlays_with_the_same_name_or_file_are_refused(self):
        widget, copy = make_overlay(self), make_overlay(self)
        with self.assertRaisesRegex(UserError, 'have the same name, widget'):
            subject.load((str(widget.root), str(copy.root)))
        text = (copy.root / 'overlay.toml').read_text(encoding='utf-8').replace('"widget"', '"other"')
        (copy.root / 'overlay.toml').write_text(text, encoding='utf-8')
        with self.assertRaisesRegex(UserError, 'both contain'):
            subject.load((str(widget.root), str(copy.root)))

    def test_missing_sources_are_named(self):
        found = make_subject(self)
        found.require_sources(found.main.root)
        other = make_overlay(self, {'overlay.toml': 'name = "other"\nsources = ["drivers/misc/other.c"]\n'})
        with self.assertRaisesRegex(UserError, 'has no drivers/misc/other.c, which .*overlay.toml names'):
            Subject((other,)).require_sources(other.root)


if __name__ == '__main__':
    unittest.main()
