# SPDX-License-Identifier: GPL-2.0-only
"""What an overlay describes, what is inferred, and what is refused."""

import shutil
import tempfile
import unittest
from pathlib import Path

from host.console import UserError
from subject import overlay, placement, subject
from subject.subject import Subject
from trees import WIDGET, make_overlay, make_subject, write

# Descriptions, and what is said of them.
INVALID = {
    '': 'name is missing',
    'name = ""': 'name must be a string that is not empty',
    'name = 7': 'name must be a string',
    'name = "Widget"': 'a name has 1 to 32 of',
    'name = "../x"': 'a name has 1 to 32 of',
    'name = "w"\nnmae = "x"': 'there is no key nmae; the keys: name, sources',
    'name = "w"\nsources = "a"': 'sources must be a list of strings',
    'name = "w"\nsources = ["/etc/passwd"]': '"/etc/passwd" must be a path below',
    'name = "w"\nfolder = "../x"': '"../x" must be a path below',
    'name = "w"\nconfig = ["X=y"]': '"X=y" must have the form CONFIG_NAME=value',
    'name = "w"\nkunit = 7': 'kunit must be a table',
    'name = "w"\n[kunit]\nargs = []': 'there is no key kunit.args',
    'name = "w"\n[kunit]\narguments = [1]': 'kunit.arguments must be a list of strings',
    'name = "w"\n[insert]\nfile = "a"': r'insert must be an array of tables: \[\[insert\]\]',
    'name = "w"\n[[insert]]\nfile = "a"': r'insert\[0\].lines is missing',
    'name = "w"\n[[insert]]\nfile = "a"\nlines = "b\\n"': 'must have one of after, before and sorted',
    'name = "w"\n[[insert]]\nfile = "a"\nlines = "b\\n"\nafter = "x"\nbefore = "y"': 'must have one of',
    'name = "w"\n[[insert]]\nfile = "a"\nlines = "b"\nafter = "x"': 'must end with a line break',
    'name = "w"\n[[insert]]\nfile = "a"\nlines = "b\\n"\nafter = "("': 'is no regular expression',
    'name = "w"\n[selftests.unsupported]\num = "x"': 'selftests.unsupported.um must be a table',
    'name = "w"\n[selftests.unsupported.um]\nx = 7': 'selftests.unsupported.um.x must be a string',
    'name = "w"\n[debug]\nmodule = "w"': 'debug.function is missing',
    'name = ': 'Invalid value',
    'name = "w"\nname = "w"': 'Cannot overwrite',
}


class DescriptionTest(unittest.TestCase):
    """What is refused gets one line."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix='an overlay '))
        self.addCleanup(shutil.rmtree, self.root)

    def refused(self, pattern):
        with self.assertRaisesRegex(UserError, pattern) as caught:
            overlay.load(self.root)
        self.assertNotIn('\n', str(caught.exception))

    def test_a_description_that_is_not_valid(self):
        for text, pattern in INVALID.items():
            with self.subTest(text):
                write(self.root, {'overlay.toml': text})
                self.refused(pattern)

    def test_two_lines_are_enough(self):
        write(self.root, {'overlay.toml': 'name = "ntsync"\nsources = ["drivers/misc/ntsync.c"]\n'})
        found = overlay.load(self.root)
        self.assertTrue(found.is_in_tree)
        self.assertEqual(found.sources, ('drivers/misc/ntsync.c',))

    def test_a_directory_without_a_description(self):
        self.refused('has no overlay.toml')

    def test_a_directory_that_does_not_exist(self):
        with self.assertRaisesRegex(UserError, 'is no directory'):
            overlay.load(self.root / 'nowhere')

    def test_a_description_that_is_no_text(self):
        (self.root / 'overlay.toml').write_bytes(b'\xff\xfe')
        self.refused('is no text file')


class InferenceTest(unittest.TestCase):
    """What the conventions of the kernel imply."""

    def setUp(self):
        self.widget = make_overlay(self)

    def test_the_files_of_the_kernel(self):
        expected = {name for name in WIDGET if '/' in name} | {'lib/widget_kunit/.kunitconfig'}
        self.assertEqual(set(self.widget.files), expected)

    def test_the_folder_is_not_for_the_kernel(self):
        write(self.widget.root, {'bench/drivers/x.c': '', 'drivers/x.c': ''})
        text = (self.widget.root / 'overlay.toml').read_text(encoding='utf-8').replace('"bench"', '"drivers"')
        (self.widget.root / 'overlay.toml').write_text(text, encoding='utf-8')
        write(self.widget.root, {'MAINTAINERS.patch': ''})
        found = overlay.load(self.widget.root).files
        self.assertNotIn('drivers/x.c', found)
        self.assertNotIn('bench/drivers/x.c', found)

    def test_the_directories_the_targets_and_the_pages(self):
        self.assertEqual(self.widget.directories, ['drivers/misc/widget', 'lib/widget_kunit'])
        self.assertEqual(self.widget.targets, ['widget'])
        self.assertEqual(self.widget.pages, ['widget'])

    def test_the_lines_for_files_of_the_kernel(self):
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

    def test_a_directory_with_one_symbol_is_entered_for_it(self):
        single = make_overlay(self, {'overlay.toml': 'name = "a"\n',
                                     'drivers/misc/a/Kconfig': 'config A\n\ttristate "A"\n'})
        lines = {rule.path: rule.lines for rule in placement.rules(single)}
        self.assertEqual(lines['drivers/misc/Makefile'], 'obj-$(CONFIG_A)\t\t\t+= a/\n')

    def test_the_settings_of_the_kernel(self):
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
    """Several overlays on one kernel."""

    def test_several_overlays_are_one_subject(self):
        one = make_overlay(self)
        two = make_overlay(self, {'overlay.toml': 'name = "two"\nsources = ["drivers/misc/two.c"]\n'})
        both = subject.load((str(one.root), str(two.root)))
        self.assertEqual(both.name, 'widget+two')
        self.assertEqual(both.sources, ('drivers/misc/widget/', 'lib/widget_kunit/', 'drivers/misc/two.c'))

    def test_overlays_that_exclude_each_other_are_refused(self):
        one, same = make_overlay(self), make_overlay(self)
        with self.assertRaisesRegex(UserError, 'have the same name, widget'):
            subject.load((str(one.root), str(same.root)))
        text = (same.root / 'overlay.toml').read_text(encoding='utf-8').replace('"widget"', '"other"')
        (same.root / 'overlay.toml').write_text(text, encoding='utf-8')
        with self.assertRaisesRegex(UserError, 'both have'):
            subject.load((str(one.root), str(same.root)))

    def test_sources_that_the_tree_lacks_are_named(self):
        found = make_subject(self)
        found.require_sources(found.main.root)
        two = make_overlay(self, {'overlay.toml': 'name = "two"\nsources = ["drivers/misc/two.c"]\n'})
        with self.assertRaisesRegex(UserError, 'has no drivers/misc/two.c, which .*overlay.toml names'):
            Subject((two,)).require_sources(two.root)


if __name__ == '__main__':
    unittest.main()
