# SPDX-License-Identifier: GPL-2.0-only
"""A result is evidence as long as nothing that it depends on has changed."""

import json
import os
import shutil
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from kernel import build
from ship import series
from subject import graft
from verdict import evidence
from trees import make_subject
from verdict.tally import Tally

FILES = ('workbench/kernel/build.py', 'workbench/kernel/config/um.config', 'workbench/machine/init/init',
         'workbench/kernel/bin/ccache-gcc', 'workbench/tests/test_x.py', 'workbench/help')
FOLDER = ('bench/series/05-mmap', 'bench/series/cover', 'bench/demo.sh', 'bench/tests/test_y.py')
SOURCE = 'drivers/misc/widget/main.c'
COVER = 'a subject\n\n{tests}\nBased on {release} {of braces}.\n\n{lint}Each patch builds.\n\nThe end.\n'


class EvidenceTest(unittest.TestCase):
    """Each case has a repository, a grafted tree, a build directory and a compiler of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.repo, self.tree, self.build, self.tools = (self.root / name for name in ('repo', 'tree', 'build', 'bin'))
        for path in FILES:
            self.write(self.repo / path, path)
        self.write(self.tree / SOURCE, 'int x;')
        self.write(self.tree / 'drivers/misc/Kconfig', 'ours\ntheirs\n')
        self.write(self.tree / 'kernel/fork.c', 'int y;')
        self.subject = make_subject(self)
        self.overlay = self.subject.main.root
        for path in FOLDER:
            self.write(self.overlay / path, path)
        self.write(self.tree / graft.record_name('widget'), json.dumps({
            'files': {SOURCE: ['x']}, 'lines': {'drivers/misc/Kconfig': 'ours\n'}, 'directories': []}))
        for name in ('gcc', 'ld'):
            self.write(self.tools / name, '#!/bin/sh\n')
            (self.tools / name).chmod(0o755)
        self.build.mkdir()
        self.said = []
        for module, name, value in (
                (evidence, 'REPO', self.repo), (evidence, 'build_root', lambda: self.build),
                (evidence, 'say', self.said.append), (evidence.checkout, 'files', self.files),
                (build, 'compiler_environment', lambda: {'PATH': str(self.tools)})):
            patch = mock.patch.object(module, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.kernel = types.SimpleNamespace(name='um', tree=self.tree, release=lambda: '7.3.4', subject=self.subject)

    def write(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')

    def files(self, under):
        return sorted(str(path.relative_to(self.repo)) for path in (self.repo / under).rglob('*') if path.is_file())

    def remember(self, passed=3, failed=0):
        """Let both a test run and make lint end well."""
        before = evidence.about(self.tree, self.subject)
        evidence.record_tests(before, self.kernel, Tally(passed=2), Tally(passed, failed))
        evidence.record_lint(before, self.tree, self.subject)

    def held(self):
        """Whether the test run holds, and whether make lint does."""
        present = evidence.about(self.tree, self.subject)
        return len(evidence.tests(present, self.subject)), evidence.lint_holds(present)

    def changes(self):
        """Change in turn each thing that both depend on; what it is."""
        for path in ('workbench/kernel/build.py', 'workbench/kernel/config/um.config', 'workbench/machine/init/init',
                     'workbench/kernel/bin/ccache-gcc'):
            self.write(self.repo / path, 'changed')
            yield path
        (self.repo / 'workbench/kernel/build.py').chmod(0o755)
        yield 'a mode'
        self.write(self.repo / 'workbench/new.py', '')
        yield 'a new file'
        for path in ('bench/demo.sh', 'overlay.toml'):
            self.write(self.overlay / path, 'changed')
            yield path
        self.write(self.tree / SOURCE, 'int z;')
        yield 'the driver'
        self.write(self.tree / 'kernel/fork.c', 'int longer;')
        yield 'the size of a file of the kernel'
        os.utime(self.tree / 'kernel/fork.c', (1, 1))
        yield 'the time of a file of the kernel'
        self.write(self.tree / 'drivers/misc/Kconfig', 'ours\nothers\n')
        yield 'a file of the kernel that graft changes'
        (self.tree / 'kernel/fork.c').unlink()
        yield 'a file of the kernel that is gone'
        os.utime(self.tools / 'gcc', (1, 1))
        yield 'the compiler'
        (self.tools / 'ld').unlink()
        yield 'no linker'

    def test_what_was_just_shown_holds(self):
        self.remember()
        self.assertEqual(self.held(), (1, True))
        self.assertEqual(self.said, [])

    def test_nothing_holds_before_it_was_shown(self):
        self.assertEqual(self.held(), (0, False))

    def test_each_thing_that_changes_ends_both(self):
        self.remember()
        for change in self.changes():
            with self.subTest(change):
                self.assertEqual(self.held(), (0, False))
                self.remember()
                self.assertEqual(self.held(), (1, True))

    def test_the_descriptions_of_the_series_matter_to_lint_alone(self):
        self.remember()
        self.write(self.overlay / 'bench/series/05-mmap', 'changed')
        self.assertEqual(self.held(), (1, False))
        self.assertEqual(self.said, ['left out, what make lint confirms; changed since: descriptions of the series'])

    def test_what_neither_depends_on_ends_none(self):
        self.remember()
        for path in ('workbench/tests/test_x.py', 'workbench/help'):
            self.write(self.repo / path, 'changed')
        for path in ('bench/series/cover', 'bench/tests/test_y.py', 'README.md'):
            self.write(self.overlay / path, 'changed')
        self.write(self.tree / 'scripts/__pycache__/x.pyc', '')
        self.write(self.tree / '.git/index', '')
        self.assertEqual(self.held(), (1, True))

    def test_another_copy_of_the_same_tree_is_the_same(self):
        self.remember()
        shutil.copytree(self.tree, self.root / 'copy')
        self.tree = self.root / 'copy'
        self.assertEqual(self.held(), (1, True))

    def test_the_reason_is_printed(self):
        self.remember()
        self.write(self.repo / 'workbench/kernel/config/um.config', 'changed')
        self.write(self.tree / SOURCE, 'int z;')
        self.held()
        self.assertEqual(self.said, ['left out, the test run on um; changed since: driver, workbench',
                                     'left out, what make lint confirms; changed since: driver, workbench'])

    def test_a_change_during_the_run_ends_it_too(self):
        before = evidence.about(self.tree, self.subject)
        self.write(self.tree / SOURCE, 'int z;')
        evidence.record_tests(before, self.kernel, Tally(1), Tally(1))
        evidence.record_lint(before, self.tree, self.subject)
        self.write(self.tree / SOURCE, 'int x;')
        self.assertEqual(self.held(), (0, False))

    def test_damaged_results_are_none(self):
        for text in ('', '{', '[]', '7', '{"um": {}}', '{"um": {"about": 1}}', '{"um": 1}', '{"driver": 7}'):
            with self.subTest(text):
                for name in (evidence.LAST_TEST, evidence.LAST_LINT):
                    self.write(self.build / name, text)
                self.assertEqual(self.held(), (0, False))

    def test_runs_on_other_kernels_are_kept(self):
        self.remember()
        self.kernel.name = 'x86_64'
        self.remember()
        self.assertEqual(self.held(), (2, True))

    def cover(self):
        return series.cover_letter(COVER, evidence.about(self.tree, self.subject), '7.3.4', self.subject)

    def test_the_cover_letter_claims_what_holds(self):
        self.remember()
        letter = self.cover()
        self.assertIn('\n\nEach patch builds.\n\n', letter)
        self.assertIn('2 KUnit\n  and 3 kselftest cases passed', letter)
        self.assertIn('Based on 7.3.4 {of braces}.', letter)

    def test_the_cover_letter_claims_nothing_else(self):
        self.remember()
        self.write(self.overlay / 'bench/series/05-mmap', 'changed')
        self.assertNotIn('Each patch builds', self.cover())
        self.write(self.repo / 'workbench/kernel/config/um.config', 'changed')
        with self.assertRaisesRegex(UserError, 'run make test first'):
            self.cover()

    def test_a_run_with_failures_ends_the_series(self):
        self.remember(failed=1)
        with self.assertRaisesRegex(UserError, 'had failures'):
            self.cover()


if __name__ == '__main__':
    unittest.main()
