# SPDX-License-Identifier: GPL-2.0-only
"""What is built again after a change."""

import json
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

import build
import graft

SOURCE = 'drivers/misc/lkmdemo/file.c'
KCONFIG = 'drivers/misc/lkmdemo/Kconfig'
HEADER = 'include/linux/lkmdemo.h'


class BuildTest(unittest.TestCase):
    """Each case has a tree in which all is built, and make replaced."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.tree = Path(directory.name) / 'linux-1.0'
        self.tree.mkdir()
        self.record({})
        fragment = self.tree / 'x.config'
        fragment.touch()
        self.kernel = types.SimpleNamespace(tree=self.tree, fragments=[fragment],
                                            out=self.tree / 'out', make=lambda *goals: goals)
        self.goals = []
        for name, effect in (('_configure', None), ('_install_modules', None),
                             ('_compile', lambda kernel, goals: self.goals.append(goals))):
            patch = mock.patch.object(build, name, side_effect=effect)
            patch.start()
            self.addCleanup(patch.stop)
        build.build(self.kernel)
        (self.kernel.out / 'modules.order').write_text('a/one.o\nb/two.o\n', encoding='utf-8')
        self.goals.clear()

    def record(self, changed):
        files = {path: changed.get(path, 'old') for path in (SOURCE, KCONFIG, HEADER)}
        (self.tree / graft.RECORD).write_text(
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
