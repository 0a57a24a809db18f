# SPDX-License-Identifier: GPL-2.0-only
"""Test the structure of the workbench: the packages and their imports."""

import ast
import collections
import dataclasses
import os
import re
import subprocess
import unittest
from pathlib import Path

from host.environment import environment
from host.paths import CACHE_NAME, REPO, WORKBENCH
from subject.overlay import Debug, Description, Insertion, Kunit, Selftests, load

# Each package imports only those before it.
ORDER = ('host', 'subject', 'kernel', 'machine', 'verdict', 'job', 'trial', 'scaffold', 'ship', 'cli')


def modules():
    """Return the Python files of the packages."""
    return [path for package in ORDER for path in (WORKBENCH / package).glob('*.py')]


class LayoutTest(unittest.TestCase):
    """Test the rules of the structure."""

    def test_every_file_is_in_a_package(self):
        self.assertEqual([path.name for path in WORKBENCH.glob('*.py')], ['__main__.py'])
        directories = {path.parent.name for path in WORKBENCH.glob('*/*.py')}
        self.assertEqual(directories, {*ORDER, 'tests'})

    def test_a_package_imports_only_those_before_it(self):
        for path in modules():
            allowed = ORDER[:ORDER.index(path.parent.name) + 1]
            for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
                names = [node.module or ''] if isinstance(node, ast.ImportFrom) else \
                    [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for package in (name.split('.')[0] for name in names):
                    if package in ORDER:
                        with self.subTest(f'{path.parent.name}/{path.name} imports {package}'):
                            self.assertIn(package, allowed)

    def test_the_workbench_does_not_name_the_driver(self):
        allowed = {('host/paths.py', f"CACHE_NAME = '{CACHE_NAME}'"),
                   ('help', '${XDG_CACHE_HOME:-~/.cache}/lkmdemo')}
        found = set()
        for path in WORKBENCH.rglob('*'):
            if path.is_file() and '__pycache__' not in path.parts and path != Path(__file__).resolve():
                for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
                    if CACHE_NAME in line.lower():
                        found.add((str(path.relative_to(WORKBENCH)), line.strip()))
        self.assertEqual(found, allowed)

    def test_the_manual_describes_each_package_and_each_key(self):
        page = next(file for name, file in load(REPO).files.items() if name.endswith('/workbench.rst'))
        text = page.read_text(encoding='utf-8')
        self.assertEqual(re.findall(r'^   \* - ``workbench/(\w+)/``$', text, re.M), [*ORDER])
        keys = collections.Counter(field.name for table in (Description, Insertion, Kunit, Selftests, Debug)
                                   for field in dataclasses.fields(table))
        for key, count in keys.items():
            with self.subTest(key):
                self.assertLessEqual(count, len(re.findall(rf'^   \* - ``\[*(?:\w+\.)?{key}\b', text, re.M)))

    def test_the_types_are_consistent(self):
        folder = load(REPO).folder
        command = ['mypy', '--explicit-package-bases', '--check-untyped-defs', f'--cache-dir={os.devnull}',
                   '--no-error-summary', WORKBENCH / '__main__.py', *folder.glob('*.py')]
        result = subprocess.run(command, env=environment(MYPYPATH=f'{WORKBENCH}:{folder}'), cwd=REPO,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.stdout + result.stderr, '')


if __name__ == '__main__':
    unittest.main()
