# SPDX-License-Identifier: GPL-2.0-only
"""Test the Kbuild file for a build out of tree."""

import tempfile
import unittest
from pathlib import Path

from host.console import UserError
from subject import outoftree
from subject.overlay import load

KCONFIG = '''config WIDGET
\ttristate "Widget"

config WIDGET_NETLINK
\tbool "Netlink"

config WIDGET_KUNIT_TEST
\ttristate "Tests"
'''

MAKEFILE = '''# obj-m += comment.o
obj-$(CONFIG_WIDGET)\t+= widget.o \\
\t\t\t   helper.o
widget-y\t\t:= main.o
widget-$(CONFIG_WIDGET_NETLINK) += netlink.o
widget-$(CONFIG_OTHER)\t+= other.o
obj-$(CONFIG_WIDGET_KUNIT_TEST) += widget_kunit.o
obj-y\t\t\t+= part/
'''


class KbuildTest(unittest.TestCase):
    """Test the inference from the files of an overlay."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.write('overlay.toml', 'name = "widget"\n')
        self.write('drivers/misc/widget/Kconfig', KCONFIG)
        self.write('drivers/misc/widget/Makefile', MAKEFILE)
        self.write('drivers/misc/widget/part/Makefile', 'obj-$(CONFIG_WIDGET) += part.o\npart-objs := a.o b.o\n')

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def lines(self):
        return outoftree.kbuild(load(self.root)).splitlines()

    def test_the_modules_and_their_objects_are_those_of_the_makefiles(self):
        there = 'drivers/misc/widget'
        self.assertEqual(outoftree.modules(load(self.root)), {
            'widget': [f'{there}/main.o', f'{there}/netlink.o'], 'helper': [f'{there}/helper.o'],
            'part': [f'{there}/part/a.o', f'{there}/part/b.o']})

    def test_the_symbols_are_defined_without_those_of_tests(self):
        defined = [line for line in self.lines() if '-DCONFIG' in line]
        self.assertEqual(defined, ['ccflags-y += -DCONFIG_WIDGET=1', 'ccflags-y += -DCONFIG_WIDGET_NETLINK=1'])

    def test_headers_of_the_overlay_are_found(self):
        self.assertFalse([line for line in self.lines() if '+= -I' in line])
        self.write('include/linux/widget.h', '')
        self.assertIn('ccflags-y += -I$(src)/$(top)/include -I$(src)/$(top)/include/uapi', self.lines())

    def test_headers_beside_the_sources_are_found_if_the_makefile_says_so(self):
        self.write('drivers/misc/widget/part/Makefile', 'obj-$(CONFIG_WIDGET) += part.o\nCFLAGS_part.o := -I$(src)\n')
        self.assertEqual([line for line in self.lines() if '+= -I' in line],
                         ['ccflags-y += -I$(src)/$(top)/drivers/misc/widget/part'])

    def test_the_directory_is_in_the_folder_of_the_overlay(self):
        self.assertIn('top\t:= ..', self.lines())
        self.write('overlay.toml', 'name = "widget"\nfolder = "extra"\n')
        self.assertEqual(outoftree.directory(load(self.root)), self.root.resolve() / 'extra/oot')
        self.assertIn('top\t:= ../..', self.lines())

    def test_a_header_and_a_source_for_compatibility_are_used(self):
        self.write('oot/compat.h', '')
        self.write('oot/compat.c', '')
        self.assertIn('ccflags-y += -include $(src)/compat.h', self.lines())
        self.assertIn('widget-y := compat.o \\', self.lines())

    def test_an_overlay_without_modules_is_an_error(self):
        self.write('drivers/misc/widget/Makefile', '')
        with self.assertRaisesRegex(UserError, 'lists a module'):
            self.lines()


if __name__ == '__main__':
    unittest.main()
