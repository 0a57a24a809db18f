# SPDX-License-Identifier: GPL-2.0-only
"""Test the Makefile with make, in a copy whose commands print their options."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from cli.options import COMMANDS, Options
from host import lock
from host.paths import REPO, WORKBENCH
from test_environment import HOSTILE, git_variables

# The substitute for the functions of the commands, which prints their options.
COMMANDS_MODULE = '''
import dataclasses, json
from cli import clean
from cli.options import COMMANDS
from host.paths import WORKBENCH

def show(options):
    print(json.dumps(dataclasses.asdict(options)))
    return 0

def show_help(_):
    print((WORKBENCH / 'help').read_text(encoding='utf-8'), end='')
    return 0

def remove_output(_):
    clean.clean()
    return 0

def of_overlay(command, options):
    return show

FUNCTIONS = {**dict.fromkeys(COMMANDS, show), 'clean': remove_output, 'help': show_help}
'''

# The substitute for setup.sh, which records its arguments and overlapping runs.
SETUP = '''#!/bin/sh
here=$(dirname "$0")
mkdir "$here/busy" || echo overlap >>"$here/setup.log"
echo "$@" >>"$here/setup.log"
env >"$here/setup.env"
sleep 0.2
rmdir "$here/busy"
exit "$(cat "$here/setup.status" 2>/dev/null || echo 0)"
'''

DEFAULTS = json.loads(json.dumps(dataclasses.asdict(Options())))

# Commands with characters that make, a shell or the workbench could expand or drop.
EXPANDED = ("for i in 1 2; do echo $i $HOME; done; it's \"a\" \\ \\\\ $$ $(shell touch PWNED) ${HOME} `touch PWNED` "
            "a # b %% 100% a=b a := b \t ;; && true * ~ ' '\\'' $ $@ $< $^ größe 日本 \\\n\n , ) ( -n -- end")
TYPED = (EXPANDED, EXPANDED[::-1], ' leading', 'trailing  ', 'newline\n', 'backslash\\', 'dollar$', 'x' * 5000)


class CopiedTest(unittest.TestCase):
    """The base of tests with a copy of the workbench."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.clone = Path(directory.name).resolve() / 'clone'
        self.bench = self.clone / 'workbench'
        shutil.copytree(WORKBENCH, self.bench, ignore=shutil.ignore_patterns('tests', '__pycache__'))
        shutil.copy(REPO / 'Makefile', self.clone)
        (self.clone / 'overlay.toml').write_text('name = "widget"\n[commands]\nmeasure = "measures"\n',
                                                 encoding='utf-8')
        (self.bench / 'cli/commands.py').write_text(COMMANDS_MODULE, encoding='utf-8')
        (self.bench / 'host/setup.sh').write_text(SETUP, encoding='utf-8')

    def run_make(self, *arguments, cwd=None, environment=None, make=('make',)):
        return subprocess.run([*make, *arguments], cwd=cwd or self.clone, capture_output=True, text=True,
                              check=False,
                              env={**os.environ, 'XDG_CACHE_HOME': f'{self.clone.parent}/cache', **(environment or {})})

    def options(self, *arguments, **options):
        """Run make; return the options that the command gets."""
        result = self.run_make(*arguments, **options)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        return json.loads(result.stdout)

    def refused(self, *arguments, status=2, **options):
        """Assert that make fails with a single line of the workbench; return the line."""
        result = self.run_make(*arguments, **options)
        self.assertEqual(result.returncode, status, result.stderr)
        lines = [line for line in result.stderr.splitlines() if not line.startswith('make: ')]
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertEqual(result.stdout, '')
        return lines[0]


class MakeTest(CopiedTest):
    """Test the options that a command gets."""

    def test_the_value_of_cmd_is_not_changed(self):
        for command in TYPED:
            with self.subTest(command):
                self.assertEqual(self.options('-s', 'guest', f'CMD={command}')['cmd'], command)
        self.assertFalse(list(self.clone.rglob('PWNED')))

    def test_the_defaults_apply_without_options(self):
        for command in ('demo', 'test', 'series', 'lint'):
            self.assertEqual(self.options(command), DEFAULTS)

    def test_options_of_the_command_line_apply(self):
        found = self.options('kselftest', 'TARGET=x86_64', 'DEBUG=1', 'TEST=message open', 'TIMEOUT=9',
                             'KDIR=/a b', 'PYTHON=' + sys.executable)
        self.assertEqual(found, {**found, 'target': 'x86_64', 'debug': True, 'test': ['message', 'open'],
                                 'timeout': 9, 'kdir': '/a b'})

    def test_the_environment_has_no_effect(self):
        hostile = {name: '/hostile' for name in (*HOSTILE, *git_variables())
                   # These affect make itself and the loader.
                   if name not in ('MAKEFILES', 'LD_PRELOAD', 'LD_LIBRARY_PATH', 'MAKEFLAGS',
                                   'GNUMAKEFLAGS', 'MFLAGS')}
        (self.clone / 'more.mk').write_text('TARGET := x86_64\nKDIR := /hostile\n', encoding='utf-8')
        for variables in (hostile, {'KDIR': '/hostile', 'TARGET': 'x86_64', 'DEBUG': '1', 'V': '3'},
                          {'MAKEFLAGS': 'KDIR=/hostile -- TARGET=x86_64'}, {'MAKEFLAGS': 'k', 'MFLAGS': '-k'},
                          {'GNUMAKEFLAGS': '-k KDIR=/hostile'}, {'MAKEFILES': 'more.mk'}):
            with self.subTest(list(variables)[:3]):
                self.assertEqual(self.options('demo', environment=variables), DEFAULTS)
                self.assertNotIn('hostile', (self.bench / 'host/setup.env').read_text(encoding='utf-8'))

    def test_a_python_module_path_of_the_environment_has_no_effect(self):
        (self.clone / 'hostile').mkdir()
        for name in ('selectors.py', 'sitecustomize.py', 'json.py'):
            (self.clone / 'hostile' / name).write_text('raise SystemExit("hostile")\n', encoding='utf-8')
        self.options('demo', environment={'PYTHONPATH': str(self.clone / 'hostile')})

    def test_options_of_a_calling_make_have_no_effect(self):
        (self.clone / 'outer.mk').write_text('all:\n\t@$(MAKE) -s --no-print-directory demo\n', encoding='utf-8')
        self.assertEqual(self.options('-s', '-f', 'outer.mk', 'CC=gcc', 'TARGET=x86_64')['target'], 'um')

    def test_invalid_options_are_refused_before_the_set_up(self):
        for arguments in (['test', 'TSET=x'], ['test', 'TEST=message'], ['clean', 'KDIR=x'], ['kernel', 'DEBUG=yes'],
                          ['guest'], ['KDIR=x'], ['nonsense'], ["it's"], ['kernel', "it's=x"], ['guest', 'CMD:=x']):
            with self.subTest(arguments):
                self.assertTrue(self.refused(*arguments).startswith('workbench: '))
        self.assertFalse((self.bench / 'host/setup.log').exists())

    def test_make_without_a_goal_and_make_help_print_the_help(self):
        help_text = (WORKBENCH / 'help').read_text(encoding='utf-8')
        for arguments in ([], ['help'], ['help', 'PYTHON=/nonexistent']):
            self.assertEqual(self.run_make(*arguments).stdout, help_text)

    def test_the_set_up_gets_the_targets_of_the_command(self):
        for arguments, targets in ((['demo'], 'um'), (['test', 'TARGET=x86_64'], 'test x86_64'),
                                   (['lint', 'QUICK=1'], 'lint um'), (['measure'], 'test x86_64 um')):
            self.options(*arguments)
            self.assertEqual((self.bench / 'host/setup.log').read_text(encoding='utf-8'), targets + '\n')
            (self.bench / 'host/setup.log').unlink()

    def test_only_one_set_up_runs_at_a_time(self):
        others = [subprocess.Popen(['make', '-s', '-j4', 'demo'], cwd=self.clone, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL) for _ in range(2)]
        self.assertEqual(self.run_make('-s', '-j4', 'kselftest', 'kunit', 'demo').returncode, 0)
        self.assertEqual([other.wait() for other in others], [0, 0])
        log = (self.bench / 'host/setup.log').read_text(encoding='utf-8').split('\n')
        self.assertEqual(sorted(log), ['', 'test um', 'um', 'um', 'um', 'um'])

    def test_a_failed_set_up_ends_the_run(self):
        (self.bench / 'host/setup.status').write_text('1', encoding='utf-8')
        result = self.run_make('demo')
        self.assertEqual((result.returncode, result.stdout), (2, ''))

    def test_the_set_up_runs_first_without_python(self):
        result = self.run_make('demo', 'PYTHON=/nonexistent')
        self.assertEqual(result.returncode, 2)
        self.assertIn('PYTHON=/nonexistent: no such program', result.stderr)
        self.assertEqual((self.bench / 'host/setup.log').read_text(encoding='utf-8'), '\n')

    def test_options_of_make_itself_have_no_effect(self):
        self.assertEqual(self.options('-k', '-j3', '-r', '-R', 'guest', 'CMD=x')['cmd'], 'x')
        self.assertEqual(self.options('-e', 'guest', 'CMD=x', environment={'TARGET': 'x86_64'})['target'], 'um')
        self.assertEqual(self.options('-f', self.clone / 'Makefile', 'guest', 'CMD=x', cwd='/')['cmd'], 'x')
        self.assertEqual(self.options('-s', '-C', self.clone, '--no-print-directory', 'guest', 'CMD=x',
                                      cwd='/')['cmd'], 'x')
        dry = self.run_make('-n', 'guest', 'CMD=x')
        self.assertEqual(dry.returncode, 0)
        self.assertNotIn('"x"', dry.stdout)

    def test_a_run_waits_for_the_previous_one_with_a_message(self):
        (self.clone / 'build').mkdir()
        descriptor = lock.acquire(self.clone / 'build/.lock')
        try:
            for command in ('kernel', 'clean'):
                with self.subTest(command), subprocess.Popen(
                        ['make', command], cwd=self.clone, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waiting:
                    self.assertIn(f'waiting for PID {os.getpid()}: '.encode(), waiting.stderr.readline())
                    waiting.terminate()
                    waiting.communicate(timeout=10)
        finally:
            os.close(descriptor)
        self.assertEqual(self.run_make('clean').returncode, 0)
        self.assertFalse((self.clone / 'build').exists())

    def test_a_tree_of_the_user_has_a_separate_lock(self):
        tree = self.clone / 'tree'
        for name in ('Kbuild', 'Kconfig', 'MAINTAINERS', 'Makefile', 'drivers/misc/Kconfig', 'kernel/Kconfig'):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).touch()
        (self.clone / 'build').mkdir()
        with lock.held(self.clone / 'build/.lock'):
            self.assertEqual(self.options('graft', f'KDIR={tree}')['kdir'], str(tree))
        descriptor = lock.acquire(tree)
        with subprocess.Popen(['make', 'graft', f'KDIR={tree}'], cwd=self.clone, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as waiting:
            self.assertIn(b'waiting for PID', waiting.stderr.readline())
            os.close(descriptor)
            waiting.communicate(timeout=30)

    def test_every_command_is_a_target(self):
        for command in COMMANDS:
            self.assertEqual(self.run_make('-n', command).returncode, 0, command)


class NamedTest(CopiedTest):
    """Test clones with names that make, a shell or kbuild cannot handle."""

    def test_a_clone_of_any_name_works(self):
        for name in ('feature%2Ffoo', 'proj#1', 'cost$5', "it's", 'say "hi"', '(x)', 'a\\b', 'a*b', 'a&b',
                     'a;b', 'größe', 'V=2', 'a:b', 'a b'):
            with self.subTest(name):
                self.clone = self.clone.rename(self.clone.with_name(name))
                self.assertEqual(self.options('-s', '-C', self.clone, '--no-print-directory', 'guest', 'CMD=x',
                                              cwd='/'), {**DEFAULTS, 'cmd': 'x'})
        self.assertEqual(self.run_make('clean').returncode, 0)
        self.assertFalse((self.clone / 'build').is_symlink())


if __name__ == '__main__':
    unittest.main()
