# SPDX-License-Identifier: GPL-2.0-only
"""Test that a recorded result is valid as long as none of its inputs has changed."""

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
    """Test records with a repository, a grafted tree, a build directory and a compiler."""

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
        self.messages = []
        for module, name, value in (
                (evidence, 'REPO', self.repo), (evidence, 'build_root', lambda: self.build),
                (evidence, 'say', self.messages.append), (evidence.checkout, 'files', self.files),
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

    def record(self, passed=3, failed=0):
        """Record the results of a test run, and that make lint has passed."""
        before = evidence.digests(self.tree, self.subject)
        evidence.record_tests(before, self.kernel, Tally(passed=2), Tally(passed, failed))
        evidence.record_lint(before, self.tree, self.subject)

    def valid(self):
        """Return the number of valid test runs, and whether the result of make lint is valid."""
        present = evidence.digests(self.tree, self.subject)
        return len(evidence.tests(present, self.subject)), evidence.lint_passed(present)

    def changes(self):
        """Change one input of both results at a time, and yield its name."""
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
        yield 'a deleted file of the kernel'
        os.utime(self.tools / 'gcc', (1, 1))
        yield 'the compiler'
        (self.tools / 'ld').unlink()
        yield 'no linker'

    def test_new_results_are_valid(self):
        self.record()
        self.assertEqual(self.valid(), (1, True))
        self.assertEqual(self.messages, [])

    def test_missing_results_are_not_valid(self):
        self.assertEqual(self.valid(), (0, False))

    def test_a_change_of_any_input_invalidates_both_results(self):
        self.record()
        for change in self.changes():
            with self.subTest(change):
                self.assertEqual(self.valid(), (0, False))
                self.record()
                self.assertEqual(self.valid(), (1, True))

    def test_a_change_of_the_series_invalidates_only_the_result_of_lint(self):
        self.record()
        self.write(self.overlay / 'bench/series/05-mmap', 'changed')
        self.assertEqual(self.valid(), (1, False))
        self.assertEqual(self.messages, ['the result of make lint is out of date; changed since: '
                                         'descriptions of the series'])

    def test_changes_of_other_files_invalidate_no_result(self):
        self.record()
        for path in ('workbench/tests/test_x.py', 'workbench/help'):
            self.write(self.repo / path, 'changed')
        for path in ('bench/series/cover', 'bench/tests/test_y.py', 'README.md'):
            self.write(self.overlay / path, 'changed')
        self.write(self.tree / 'scripts/__pycache__/x.pyc', '')
        self.write(self.tree / '.git/index', '')
        self.assertEqual(self.valid(), (1, True))

    def test_results_are_valid_for_a_copy_of_the_tree(self):
        self.record()
        shutil.copytree(self.tree, self.root / 'copy')
        self.tree = self.root / 'copy'
        self.assertEqual(self.valid(), (1, True))

    def test_the_changed_inputs_are_printed(self):
        self.record()
        self.write(self.repo / 'workbench/kernel/config/um.config', 'changed')
        self.write(self.tree / SOURCE, 'int z;')
        self.valid()
        self.assertEqual(self.messages, ['the test run on um is out of date; changed since: driver, workbench',
                                         'the result of make lint is out of date; changed since: driver, workbench'])

    def test_a_change_during_the_run_prevents_the_record(self):
        before = evidence.digests(self.tree, self.subject)
        self.write(self.tree / SOURCE, 'int z;')
        evidence.record_tests(before, self.kernel, Tally(1), Tally(1))
        evidence.record_lint(before, self.tree, self.subject)
        self.write(self.tree / SOURCE, 'int x;')
        self.assertEqual(self.valid(), (0, False))

    def test_damaged_records_are_ignored(self):
        for text in ('', '{', '[]', '7', '{"um": {}}', '{"um": {"digests": 1}}', '{"um": 1}', '{"driver": 7}'):
            with self.subTest(text):
                for name in (evidence.LAST_TEST, evidence.LAST_LINT):
                    self.write(self.build / name, text)
                self.assertEqual(self.valid(), (0, False))

    def test_runs_on_several_kernels_are_recorded(self):
        self.record()
        self.kernel.name = 'x86_64'
        self.record()
        self.assertEqual(self.valid(), (2, True))

    def cover(self):
        return series.cover_letter(COVER, evidence.digests(self.tree, self.subject), '7.3.4', self.subject)

    def test_the_cover_letter_contains_valid_results(self):
        self.record()
        letter = self.cover()
        self.assertIn('\n\nEach patch builds.\n\n', letter)
        self.assertIn('2 KUnit\n  and 3 kselftest cases passed', letter)
        self.assertIn('Based on 7.3.4 {of braces}.', letter)

    def test_the_cover_letter_contains_no_invalid_results(self):
        self.record()
        self.write(self.overlay / 'bench/series/05-mmap', 'changed')
        self.assertNotIn('Each patch builds', self.cover())
        self.write(self.repo / 'workbench/kernel/config/um.config', 'changed')
        with self.assertRaisesRegex(UserError, 'run make test first'):
            self.cover()

    def test_a_series_is_refused_after_a_run_with_failures(self):
        self.record(failed=1)
        with self.assertRaisesRegex(UserError, 'had failures'):
            self.cover()


if __name__ == '__main__':
    unittest.main()
