# SPDX-License-Identifier: GPL-2.0-only
"""What is built again after a change."""

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
    """Each case has a tree in which all is built, and make replaced."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.tree = Path(directory.name) / 'linux-1.0'
        self.tree.mkdir()
        self.record({})
        self.fragment = ''
        out = self.tree / 'out'
        self.kernel = types.SimpleNamespace(
            tree=self.tree, configuration=lambda: (self.fragment, set()), out=out, image=out / 'linux',
            modules=out / 'modules', make=lambda *goals: goals, subject=SUBJECT)
        self.goals = []
        self.configured = []
        for name, effect in (('_configure', lambda kernel, digest: self.configured.append(digest)),
                             ('_install_modules', None),
                             ('_compile', lambda kernel, goals: self.goals.append(goals))):
            patch = mock.patch.object(build, name, side_effect=effect)
            patch.start()
            self.addCleanup(patch.stop)
        build.build(self.kernel)
        (self.kernel.out / 'modules.order').write_text('a/one.o\nb/two.o\n', encoding='utf-8')
        self.kernel.image.touch()
        self.kernel.modules.mkdir()
        (self.kernel.modules / '.installed').touch()
        self.goals.clear()

    def record(self, changed):
        files = {path: [changed.get(path, 'old')] for path in (SOURCE, KCONFIG, HEADER)}
        (self.tree / graft.record_name('widget')).write_text(
            json.dumps({'files': files, 'lines': {}, 'directories': []}), encoding='utf-8')

    def test_nothing_when_nothing_changed(self):
        build.build(self.kernel)
        self.assertEqual(self.goals, [])

    def test_all_when_asked_to(self):
        build.build(self.kernel, always=True)
        self.assertEqual(self.goals, [['all', 'headers']])

    def test_the_modules_when_only_a_source_of_theirs_changed(self):
        self.record({SOURCE: 'new'})
        build.build(self.kernel)
        self.assertEqual(self.goals, [['a/one.ko', 'b/two.ko']])

    def test_all_when_anything_else_changed(self):
        for path in (KCONFIG, HEADER):
            self.record({path: 'new', SOURCE: 'new'})
            build.build(self.kernel)
        self.assertEqual(self.goals, [['all', 'headers']] * 2)

    def test_all_after_a_build_that_was_interrupted(self):
        self.record({SOURCE: 'new'})
        with mock.patch.object(build, '_compile', side_effect=KeyboardInterrupt), \
             self.assertRaises(KeyboardInterrupt):
            build.build(self.kernel)
        build.build(self.kernel)
        self.assertEqual(self.goals, [['all', 'headers']])

    def test_nothing_when_only_tests_and_documents_changed(self):
        self.record({'Documentation/x.rst': 'new', 'tools/testing/selftests/widget/x.c': 'new'})
        build.build(self.kernel)
        self.assertEqual(self.goals, [])

    def test_all_when_what_is_booted_is_not_there(self):
        for path in (self.kernel.image, self.kernel.out / 'modules.order'):
            path.unlink()
            build.build(self.kernel)
            path.touch()
        self.assertEqual(self.goals, [['all', 'headers']] * 2)

    def test_all_when_a_tool_or_the_configuration_changed(self):
        with mock.patch.object(build, '_tools', return_value='another compiler'):
            build.build(self.kernel)
        self.fragment = 'CONFIG_X=y\n'
        build.build(self.kernel)
        self.assertEqual(self.goals, [['all', 'headers']] * 2)

    def test_a_copy_of_the_users_tree(self):
        def copied(**changed):
            signatures = {'kernel/fork.c': [1, 1], 'kernel/Kconfig.preempt': [1, 1], SOURCE: [1, 1]}
            (self.tree.parent / 'linux-1.0.copied').write_text(
                json.dumps({**signatures, **changed}), encoding='ascii')
            self.goals.clear()
            build.build(self.kernel)
            return self.goals
        copied()
        self.assertEqual(copied(), [])
        self.assertEqual(copied(**{SOURCE: [1, 2]}), [['a/one.ko', 'b/two.ko']])
        first = self.configured[-1]
        self.assertEqual(copied(**{'kernel/fork.c': [1, 2]}), [['all', 'headers']])
        self.assertEqual(self.configured[-1], first)
        self.assertEqual(copied(**{'kernel/Kconfig.preempt': [1, 2]}), [['all', 'headers']])
        self.assertNotEqual(self.configured[-1], first)

    def test_the_sanitizers_are_for_the_driver_in_the_tree(self):
        write(self.tree, {SOURCE: '', 'lib/widget_kunit/x.c': '', 'kernel/fork.c': ''})
        kernel = types.SimpleNamespace(tree=self.tree, target=UM, subject=SUBJECT)
        self.assertEqual(sorted(setting for setting in build.Kernel._sanitize_ours_alone(kernel)
                                if setting.startswith('KASAN')),
                         ['KASAN_SANITIZE=n', 'KASAN_SANITIZE_file.o=y', 'KASAN_SANITIZE_x.o=y'])


if __name__ == '__main__':
    unittest.main()
