# SPDX-License-Identifier: GPL-2.0-only
"""Test which parts of a kernel are built after a change."""

import json
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

from kernel import build
from machine.um import UM
from subject import graft
from trees import write

SOURCE = 'drivers/misc/widget/file.c'
KCONFIG = 'drivers/misc/widget/Kconfig'
HEADER = 'include/linux/widget.h'
SUBJECT = types.SimpleNamespace(sources=('drivers/misc/widget/', 'lib/widget_kunit/'))


class BuildTest(unittest.TestCase):
    """Test changes of a tree that is built completely, with make replaced."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.tree = Path(directory.name) / 'linux-1.0'
        self.tree.mkdir()
        self.record({})
        self.fragment = ''
        out = self.tree / 'out'
        self.kernel = types.SimpleNamespace(
            seed=None,
            tree=self.tree, configuration=lambda: (self.fragment, set()), common_configuration=str, out=out,
            image=out / 'linux', modules=out / 'modules', make=lambda *goals: goals, subject=SUBJECT)
        self.goals = []
        self.configured = []
        for name, effect in (('_configure', self.configure), ('_make_config', None), ('_install_modules', None),
                             ('_compile', lambda kernel, goals, part='': self.goals.append(goals))):
            patch = mock.patch.object(build, name, side_effect=effect)
            patch.start()
            self.addCleanup(patch.stop)
        build.build(self.kernel)
        (self.kernel.out / 'modules.order').write_text('a/first.o\nb/second.o\n', encoding='utf-8')
        self.kernel.image.touch()
        self.kernel.modules.mkdir()
        (self.kernel.modules / '.installed').touch()
        self.first_goals = self.goals[:]
        self.goals.clear()

    def configure(self, kernel, digest):
        (kernel.out / '.configured').touch()
        self.configured.append(digest)

    def record(self, changed):
        files = {path: [changed.get(path, 'old')] for path in (SOURCE, KCONFIG, HEADER)}
        (self.tree / graft.record_name('widget')).write_text(
            json.dumps({'files': files, 'lines': {}, 'directories': []}), encoding='utf-8')

    def test_the_settings_that_all_subjects_share_are_built_first(self):
        self.assertEqual(self.first_goals, [['KBUILD_MODULES=y', 'vmlinux_o'], ['all', 'headers']])

    def test_nothing_is_built_without_a_change(self):
        build.build(self.kernel)
        self.assertEqual(self.goals, [])

    def test_everything_is_built_on_request(self):
        build.build(self.kernel, always=True)
        self.assertEqual(self.goals, [['all', 'headers']])

    def test_only_the_modules_are_built_after_a_change_of_their_sources(self):
        self.record({SOURCE: 'new'})
        build.build(self.kernel)
        self.assertEqual(self.goals, [['a/first.ko', 'b/second.ko']])

    def test_everything_is_built_after_another_change(self):
        for path in (KCONFIG, HEADER):
            self.record({path: 'new', SOURCE: 'new'})
            build.build(self.kernel)
        self.assertEqual(self.goals, [['all', 'headers']] * 2)

    def test_everything_is_built_after_an_interrupted_build(self):
        self.record({SOURCE: 'new'})
        with mock.patch.object(build, '_compile', side_effect=KeyboardInterrupt), \
             self.assertRaises(KeyboardInterrupt):
            build.build(self.kernel)
        build.build(self.kernel)
        self.assertEqual(self.goals, [['all', 'headers']])

    def test_nothing_is_built_after_a_change_of_tests_and_documents(self):
        self.record({'Documentation/x.rst': 'new', 'tools/testing/selftests/widget/x.c': 'new'})
        build.build(self.kernel)
        self.assertEqual(self.goals, [])

    def test_everything_is_built_if_a_result_is_missing(self):
        for path in (self.kernel.image, self.kernel.out / 'modules.order'):
            path.unlink()
            build.build(self.kernel)
            path.touch()
        self.assertEqual(self.goals, [['all', 'headers']] * 2)

    def test_everything_is_built_after_a_change_of_tools_or_configuration(self):
        with mock.patch.object(build, '_tools', return_value='another compiler'):
            build.build(self.kernel)
        self.fragment = 'CONFIG_X=y\n'
        build.build(self.kernel)
        self.assertEqual(self.goals, [['all', 'headers']] * 2)

    def test_changes_in_a_copy_of_a_tree_of_the_user_are_built(self):
        def build_copy(**changed):
            signatures = {'kernel/fork.c': [1, 1], 'kernel/Kconfig.preempt': [1, 1], SOURCE: [1, 1]}
            (self.tree.parent / 'linux-1.0.copied').write_text(
                json.dumps({**signatures, **changed}), encoding='ascii')
            self.goals.clear()
            build.build(self.kernel)
            return self.goals
        build_copy()
        self.assertEqual(build_copy(), [])
        self.assertEqual(build_copy(**{SOURCE: [1, 2]}), [['a/first.ko', 'b/second.ko']])
        first = self.configured[-1]
        self.assertEqual(build_copy(**{'kernel/fork.c': [1, 2]}), [['all', 'headers']])
        self.assertEqual(self.configured[-1], first)
        self.assertEqual(build_copy(**{'kernel/Kconfig.preempt': [1, 2]}), [['all', 'headers']])
        self.assertNotEqual(self.configured[-1], first)

    def test_sanitizers_instrument_only_the_driver_and_its_tests(self):
        write(self.tree, {SOURCE: '', 'lib/widget_kunit/x.c': '', 'kernel/fork.c': ''})
        kernel = types.SimpleNamespace(tree=self.tree, target=UM, subject=SUBJECT)
        self.assertEqual(sorted(setting for setting in build.Kernel._sanitizer_settings(kernel)
                                if setting.startswith('KASAN')),
                         ['KASAN_SANITIZE=n', 'KASAN_SANITIZE_file.o=y', 'KASAN_SANITIZE_x.o=y'])


if __name__ == '__main__':
    unittest.main()
