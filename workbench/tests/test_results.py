# SPDX-License-Identifier: GPL-2.0-only
"""Test the files with the results of a run: KTAP, and the formats that kunit.py of the tree writes."""

import json
import tempfile
import types
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from cli.options import KERNEL
from host.console import UserError
from host.paths import build_root
from kernel import source
from verdict import results
from verdict.count import count_kselftest
from verdict.tally import Tally, single

PROGRAMS = ['widget: open', 'widget: crash', 'widget: root.sh', 'widget: absent']

# One program fails, one crashes, one skips, one does not run.
OUTPUT = """\
# selftests: widget: open
# TAP version 13
# 1..3
# #  RUN           open.twice ...
# # open.c:12:twice:Expected -1 (-1) == fd (3)
# not ok 1 open.twice
# ok 2 open.once
# ok 3 open.locked # SKIP requires root
not ok 1 selftests: widget: open # exit=1
# selftests: widget: crash
# TAP version 13
# 1..2
# ok 1 crash.first
# Segmentation fault
not ok 2 selftests: widget: crash # exit=139
# selftests: widget: root.sh
# TAP version 13
# 1..0 # SKIP requires root
ok 3 selftests: widget: root.sh # SKIP
"""

KTAP = """\
KTAP version 1
1..4
  KTAP version 1
  # Subtest: selftests: widget: open
  1..3
  #  RUN           open.twice ...
  # open.c:12:twice:Expected -1 (-1) == fd (3)
  not ok 1 open.twice
  ok 2 open.once
  ok 3 open.locked # SKIP requires root
not ok 1 selftests: widget: open # exit=1
  KTAP version 1
  # Subtest: selftests: widget: crash
  1..2
  ok 1 crash.first
  # Segmentation fault
  not ok 2 has no result
not ok 2 selftests: widget: crash # exit=139
ok 3 selftests: widget: root.sh # SKIP requires root
not ok 4 selftests: widget: absent # did not run
"""

GROUPS = [('selftests: widget: open', [('open.twice', 'FAIL'), ('open.once', 'PASS'), ('open.locked', 'SKIP')]),
          ('selftests: widget: crash', [('crash.first', 'PASS'), ('has no result', 'FAIL')])]
SINGLE = [('selftests: widget: root.sh', 'SKIP'), ('selftests: widget: absent', 'FAIL')]

KUNIT_FILES = [f'tools/testing/kunit/{name}.py' for name in (
    'kunit', 'kunit_config', 'kunit_json', 'kunit_junit', 'kunit_kernel', 'kunit_parser', 'kunit_printer',
    'qemu_config')]

DEBUGFS = """\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: widget_open
    1..1
    ok 1 twice
ok 1 widget_open
KTAP version 1
1..1
    KTAP version 1
    # Subtest: widget_pool
    1..1
    # twice: EXPECTATION FAILED at lib/widget_kunit/pool.c:7
    Expected 1 == 2, but
    not ok 1 twice
not ok 1 widget_pool
"""


def tree_with_kunit():
    """Return the kernel tree of the build, or a directory with the files of kunit.py."""
    tree = build_root() / f'linux-{KERNEL}'
    if not tree.exists():
        source.packaged_files(KERNEL, KUNIT_FILES)
        tree = build_root() / f'files-{KERNEL}'
    return tree


class KtapTest(unittest.TestCase):
    """Test that the documents are complete even if the output is not."""

    def test_the_output_of_programs_is_completed(self):
        self.assertEqual(results.from_kselftest(OUTPUT.splitlines(), PROGRAMS), KTAP.splitlines())

    def test_a_run_without_output_has_failed(self):
        self.assertEqual(results.from_kselftest([], ['widget: open']),
                         ['KTAP version 1', '1..1', 'not ok 1 selftests: widget: open # did not run'])

    def test_the_suites_are_merged_into_a_single_document(self):
        lines = results.from_debugfs(DEBUGFS)
        self.assertEqual(lines[:2], ['KTAP version 1', '1..2'])
        self.assertEqual([line for line in lines if not line.startswith((' ', 'KTAP', '1..'))],
                         ['ok 1 widget_open', 'not ok 2 widget_pool'])

    def test_each_failure_has_its_reason(self):
        self.assertEqual(count_kselftest(OUTPUT, PROGRAMS).failures(), [
            'kselftest open: open.twice: open.c:12:twice:Expected -1 (-1) == fd (3)',
            'kselftest crash: 1 of 2 have a result: exit=139', 'kselftest root.sh: skipped every case',
            'kselftest did not run absent'])


class FilesTest(unittest.TestCase):
    """Test the files in the directory."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.results = results.Results(directory.name)

    def add(self):
        self.results.add('kselftest', tree_with_kunit(), results.from_kselftest(OUTPUT.splitlines(), PROGRAMS))

    def test_the_json_contains_all_cases(self):
        self.add()
        found = json.loads((self.directory / 'kselftest.json').read_text(encoding='utf-8'))
        self.assertEqual([(group['name'], [(case['name'], case['status']) for case in group['test_cases']])
                          for group in found['sub_groups']], GROUPS)
        self.assertEqual([(case['name'], case['status']) for case in found['test_cases']], SINGLE)
        self.assertEqual({key: found['misc'][key] for key in ('passed', 'failed', 'skipped', 'errors')},
                         {'passed': 2, 'failed': 3, 'skipped': 2, 'errors': 0})

    def test_the_junit_xml_contains_all_cases(self):
        self.add()
        suite = ElementTree.parse(self.directory / 'kselftest.xml').getroot()
        outcomes = {'FAIL': 'failure', 'SKIP': 'skipped', 'PASS': None}
        expected = [*((name, outcomes[status]) for _, cases in GROUPS for name, status in cases),
                    *((name, outcomes[status]) for name, status in SINGLE)]
        found = [(case.get('name'), next((child.tag for child in case if child.tag != 'system-out'), None))
                 for case in suite.iter('testcase')]
        self.assertEqual(found, expected)
        self.assertEqual([suite.get(key) for key in ('failures', 'skipped', 'errors')], ['3', '2', '0'])

    def test_only_the_results_of_the_previous_run_are_removed(self):
        for name in ('kunit.ktap', 'kselftest.xml', 'kselftest-kernel-3.log', 'mine.log'):
            (self.directory / name).touch()
        results.Results(str(self.directory))
        self.assertEqual([path.name for path in self.directory.iterdir()], ['mine.log'])

    def test_a_directory_that_cannot_be_created_is_an_error(self):
        (self.directory / 'file').touch()
        with self.assertRaisesRegex(UserError, 'RESULTS=.*Not a directory|RESULTS=.*File exists'):
            results.Results(str(self.directory / 'file'))


class CheckTest(unittest.TestCase):
    """Test the program of an overlay that checks results."""

    def check(self, script, name='a', targets=('t',)):
        with tempfile.TemporaryDirectory() as directory:
            program = Path(directory) / 'check.py'
            program.write_text(script, encoding='utf-8')
            overlay = types.SimpleNamespace(description=types.SimpleNamespace(results='check.py'), root=Path(directory),
                                            targets=[*targets],
                                            in_folder=lambda name, _: Path(directory) / name)
            kernel = types.SimpleNamespace(target=types.SimpleNamespace(name='um'),
                                           subject=types.SimpleNamespace(main=overlay))
            return results.check(kernel, single(name, 'passed'))

    def test_each_line_is_a_failure(self):
        script = 'import json, sys\nrun = json.load(sys.stdin)\nprint(run["target"], run["results"]["a"])\nprint("b")'
        self.assertEqual(self.check(script).failures(), ['um passed', 'b'])

    def test_the_names_are_those_of_the_overlay_alone(self):
        script = 'import json, sys\nprint(*json.load(sys.stdin)["results"])'
        for name, targets, alone in (('kselftest t:p: x', ['t'], 'kselftest p: x'),
                                     ('kselftest other:p: x', ['t'], 'kselftest other:p: x'),
                                     ('kselftest t: x', ['t'], 'kselftest t: x'),
                                     ('kselftest t:p: x', ['t', 'u'], 'kselftest t:p: x')):
            self.assertEqual(self.check(script, name, targets).failures(), [alone])

    def test_no_output_is_no_failure(self):
        self.assertEqual(self.check(''), Tally())

    def test_a_program_that_fails_is_an_error(self):
        with self.assertRaisesRegex(UserError, 'check.py ended with 3'):
            self.check('raise SystemExit(3)')


if __name__ == '__main__':
    unittest.main()
