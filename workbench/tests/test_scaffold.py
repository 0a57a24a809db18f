# SPDX-License-Identifier: GPL-2.0-only
"""A new driver: its files, the names that it cannot have, and that it is written as a whole."""

import os
import re
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from scaffold import names, scaffold
from scaffold.scaffold import INTERFACES
from ship import series
from subject import graft, overlay, placement
from subject.subject import Subject
from test_make import CopiedTest
from trees import CONTENTS, git, make_overlay, snapshot, write

AUTHOR = ('Jo "J." O\'Neil', 'jo@example.org')
SHORT, LONG = 'abc', 'fifteen_letters'
CHOICES = ((), INTERFACES, *((interface,) for interface in INTERFACES))

# A tree with what a name can conflict with.
TAKEN = {
    'arch/x86/include/asm/one.h': '#define macro_clash(x) (x)\n#  define macro_name 1\n',
    'drivers/misc/file_name.c': '',
    'drivers/net/Kconfig': 'config SYMBOL_NAME\n\ttristate "x"\n\nmenuconfig MENU_NAME\n\tbool "x"\n',
    'drivers/net/Makefile': 'obj-$(CONFIG_X) += other.o module-name.o\nparts-y := part.o\n',
    'drivers/net/directory/Makefile': 'obj-y += last_name.o',
    'include/linux/header_name.h': '',
    'include/linux/two.h': ('int function_name_open(struct inode *inode);\nstruct struct_name_device {\n'
                            '\tint (*member_name_open)(void);\n};\nenum x {\n\tENUM_NAME_CAPACITY,\n};\n'),
    'tools/testing/selftests/target_name/Makefile': '',
}
REFUSED = {
    'ab': 'has 3 to 15', 'sixteen_letters_': 'has 3 to 15', '3abc': 'has 3 to 15', 'Abc': 'has 3 to 15',
    'a-b': 'has 3 to 15', '_abc': 'has 3 to 15', 'größe': 'has 3 to 15', 'abc\n': 'has 3 to 15',
    'int': 'language C', 'linux': 'language C', 'null': '/dev/null', 'widget': 'driver of this repository',
    'file_name': 'drivers/misc/file_name.c', 'header_name': 'include/linux/header_name.h',
    'target_name': 'tools/testing/selftests/target_name', 'symbol_name': 'the symbol SYMBOL_NAME',
    'menu_name': 'the symbol MENU_NAME', 'module_name': 'drivers/net/Makefile has a module', 'parts': 'has a module',
    'last_name': 'drivers/net/directory/Makefile has a module', 'macro_name': 'one.h has macro_name',
    'function_name': 'two.h has function_name_open', 'struct_name': 'two.h has struct_name_device',
    'enum_name': 'two.h has ENUM_NAME_CAPACITY',
}
FREE = ('member_name', 'other_name', SHORT, LONG, 'a__', 'ab_')


class ScaffoldTest(unittest.TestCase):
    """Each case has a small kernel tree, and a directory for drivers."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.home = Path(directory.name).resolve() / 'a home'
        self.home.mkdir()
        self.tree = Path(directory.name) / 'tree'
        write(self.tree, {**CONTENTS, **TAKEN})
        self.own = make_overlay(self)

    def contents(self, name, interfaces=()):
        return scaffold.files(name, interfaces, AUTHOR, self.tree, '7.3.4', self.own)

    def written(self, name, interfaces=()):
        """Write a driver; return its overlay."""
        directory = self.home / f'{name}-{len(interfaces)}-{"".join(interfaces)[:4]}'
        scaffold.write(directory, self.contents(name, interfaces))
        return overlay.load(directory)


class FilesTest(ScaffoldTest):
    """What is written."""

    def drivers(self):
        return [self.contents(name, interfaces) for name in (SHORT, LONG, 'ab_') for interfaces in CHOICES]

    def test_no_part_of_a_template_is_left(self):
        for contents in self.drivers():
            for path, text in contents.items():
                self.assertNotIn('@', path)
                # An address has an @ within a word, kernel-doc has one before it.
                self.assertIsNone(re.search(r'@\w+@(?!@)|^@\w', text, re.MULTILINE), path)
                self.assertNotIn('template', text)

    def test_lines_are_as_the_kernel_has_them(self):
        for contents in self.drivers():
            for path, text in contents.items():
                self.assertRegex(text, r'\S\n\Z' if path != 'MAINTAINERS.patch' else r'\n\Z', path)
                # In a patch, an empty line is a space.
                self.assertIsNone(re.search(r'\S[ \t]+$|^[ \t]{2,}$', text, re.MULTILINE), path)
                if path.endswith(('.c', '.h')):
                    self.assertNotIn('\n\n\n', text, path)
                    self.assertIsNone(re.search(r'\{\n\n|\n\n\t*\}', text), path)
                    self.assertLessEqual(max(len(line.expandtabs(8)) for line in text.splitlines()), 100, path)

    def test_it_is_small(self):
        contents = self.contents(LONG)
        code = sum(text.count('\n') for path, text in contents.items()
                   if path.startswith('drivers/') and path.endswith(('.c', '.h')) and 'kunit' not in path)
        self.assertLess(code, 250)
        self.assertLess(len(contents), 25)

    def test_each_interface_has_code_tests_and_a_description(self):
        base = self.contents(SHORT)
        for interface in INTERFACES:
            with self.subTest(interface):
                contents = self.contents(SHORT, (interface,))
                self.assertLessEqual({*base}, {*contents})
                tests = f'tools/testing/selftests/{SHORT}'
                self.assertIn(f'{tests}/{interface}.c', contents)
                self.assertIn(f'TEST_GEN_PROGS += {interface}\n', contents[f'{tests}/Makefile'])
                for path in (f'drivers/misc/{SHORT}/main.c', f'Documentation/misc-devices/{SHORT}.rst'):
                    self.assertNotEqual(contents[path], base[path], path)

    def test_the_overlay_is_complete(self):
        for name, interfaces in ((name, interfaces) for name in (SHORT, LONG) for interfaces in CHOICES):
            with self.subTest(name=name, interfaces=interfaces):
                driver = self.written(name, interfaces)
                self.assertEqual(driver.name, name)
                self.assertEqual(driver.directories, [f'drivers/misc/{name}'])
                self.assertEqual(driver.own_symbols,
                                 {name.upper(): 'tristate', f'{name.upper()}_KUNIT_TEST': 'tristate'})
                self.assertEqual(driver.targets, [name])
                self.assertTrue(Subject((driver,)).has_kunit)
                self.assertIn(f'drivers/misc/{name}/.kunitconfig', driver.files)
                self.assertEqual(driver.pages, [f'misc-devices/{name}'])
                self.assertNotIn(f'{scaffold.LINK}/Makefile', driver.names)
                self.assertTrue(os.access(driver.in_folder('demo.sh', 'demo'), os.X_OK))

    def test_it_is_grafted_and_leaves_no_trace(self):
        before = snapshot(self.tree)
        for name in (SHORT, LONG):
            driver = self.written(name, INTERFACES)
            graft.graft(self.tree, driver)
            self.assertTrue(all(rule.lines in (self.tree / rule.path).read_text(encoding='latin-1')
                                for rule in placement.rules(driver)))
        text = (self.tree / 'Documentation/misc-devices/index.rst').read_text(encoding='utf-8')
        self.assertIn(f'   {SHORT}\n   apds990x\n   {LONG}\n   xilinx_sdfec\n', text)
        for name in (SHORT, LONG):
            graft.ungraft(self.tree, name)
        self.assertEqual(snapshot(self.tree), before)

    def test_the_series_brings_all_of_it(self):
        for interfaces in CHOICES:
            with self.subTest(interfaces):
                whole = series.Series(self.tree, self.written(LONG, interfaces))
                self.assertEqual(len(whole.patches), 3)
                self.assertTrue(all(states[-1] for states in whole.states.values()))

    def test_the_entry_in_maintainers_is_a_patch(self):
        driver = self.written(LONG, INTERFACES)
        git(self.tree, 'init', '-q')
        git(self.tree, 'apply', driver.root / 'MAINTAINERS.patch')
        text = (self.tree / 'MAINTAINERS').read_text(encoding='utf-8')
        self.assertIn(driver.maintainers, text)
        self.assertIn('M:\t"Jo \\"J.\\" O\'Neil" <jo@example.org>\n', text)

    def test_a_name_of_the_author_is_a_string_of_c(self):
        self.assertIn('MODULE_AUTHOR("\\"Jo \\\\\\"J.\\\\\\" O\'Neil\\" <jo@example.org>");',
                      self.contents(SHORT)[f'drivers/misc/{SHORT}/main.c'])

    def test_the_description_is_what_toml_takes_it_for(self):
        lines = tomllib.loads(self.contents('ab_', ('ioctl',))['overlay.toml'])['insert'][1]['lines']
        self.assertRegex(lines, r'^0x[0-9A-F]{2}  00-01  ``uapi/linux/ab_\.h`` +``ab_``\n +<mailto:jo@example\.org>\n$')


class NamesTest(ScaffoldTest):
    """Which names are free."""

    def reason(self, name):
        return names.why_not(name, scaffold.identifiers(name), self.tree, self.own)

    def test_a_name_that_is_taken_is_refused_with_the_reason(self):
        for name, reason in REFUSED.items():
            with self.subTest(name):
                self.assertIn(reason, self.reason(name))
        with self.assertRaisesRegex(UserError, '^NAME=int: it is a word'):
            self.contents('int')

    def test_any_other_name_is_free(self):
        for name in FREE:
            with self.subTest(name):
                self.assertEqual(self.reason(name), '')

    def test_what_was_grafted_does_not_count(self):
        graft.graft(self.tree, self.written(LONG, INTERFACES))
        self.assertEqual(self.reason(LONG), '')

    def test_a_magic_is_in_no_list_and_stays_the_same(self):
        used = {0xEC, 0xED, 0xEE}
        found = {name: names.free_magic(name, self.tree, self.own) for name in (*FREE, *map(str, range(999)))}
        self.assertFalse(used & {*found.values()})
        self.assertGreater(len({*found.values()}), 100)
        graft.graft(self.tree, self.written(LONG, INTERFACES))
        self.assertEqual(found[LONG], names.free_magic(LONG, self.tree, self.own))
        header = self.contents(LONG, ('ioctl',))[f'include/uapi/linux/{LONG}.h']
        self.assertIn(f'_IO(0x{found[LONG]:02X}, 0x01)\n', header)


class WriteTest(ScaffoldTest):
    """Where a driver is written, and what an interruption leaves."""

    def refused(self, directory):
        with self.assertRaises(UserError) as caught:
            scaffold.directory_for(SHORT, str(directory))
        self.assertNotIn('\n', str(caught.exception))
        return str(caught.exception)

    def test_the_directory_is_new_or_empty(self):
        (self.home / 'full').mkdir()
        (self.home / 'full/file').touch()
        (self.home / 'link').symlink_to(self.home)
        for name in ('full', 'full/file', 'link'):
            self.assertIn('exists, and is no empty directory', self.refused(self.home / name))
        self.assertIn('there is no directory', self.refused(self.home / 'a/b'))
        (self.home / 'empty').mkdir()
        directory = scaffold.directory_for(SHORT, str(self.home / 'empty'))
        scaffold.write(directory, self.contents(SHORT))
        self.assertEqual(overlay.load(directory).name, SHORT)
        self.assertEqual(os.readlink(directory / scaffold.LINK), str(scaffold.REPO))

    def test_by_default_it_is_in_the_home_of_the_user(self):
        with mock.patch.dict(os.environ, {'HOME': str(self.home)}):
            self.assertEqual(scaffold.directory_for(SHORT, ''), self.home / SHORT)

    def test_an_interruption_leaves_nothing(self):
        before = snapshot(self.home)
        for step in ('os.rename', 'subject.overlay.load', 'pathlib.Path.symlink_to'):
            with self.subTest(step), mock.patch(step, side_effect=KeyboardInterrupt), \
                 self.assertRaises(KeyboardInterrupt):
                scaffold.write(self.home / 'new', self.contents(SHORT))
            self.assertEqual(snapshot(self.home), before)

    def test_the_author_is_who_git_says(self):
        nothing = subprocess.CompletedProcess([], 1, b'', b'')
        with mock.patch('host.git.read', return_value=nothing), \
             self.assertRaisesRegex(UserError, r"^git has no user\.name, and [^\n]+ user\.name '\.\.\.'$"):
            scaffold.author_for(self.home / 'new')
        git(self.home, 'init', '-q')
        for name, value in zip(('name', 'email'), AUTHOR):
            git(self.home, 'config', f'user.{name}', value)
        self.assertEqual(scaffold.author_for(self.home / 'new'), AUTHOR)


class MakefileTest(CopiedTest):
    """The Makefile of a new driver, with a workbench whose commands print their options."""

    def setUp(self):
        super().setUp()
        self.driver = self.clone.parent / "it's a $driver"
        values = scaffold._values(SHORT, AUTHOR, 0x80, '7.3')
        contents = scaffold._rendered(values, ())
        write(self.driver, {path: contents[path] for path in ('Makefile', 'overlay.toml')})
        (self.driver / scaffold.LINK).symlink_to(self.clone)

    def test_each_command_is_about_the_driver(self):
        for arguments in (['test'], ['demo'], ['lint'], ['series'], ['kernel', 'DEBUG=1']):
            with self.subTest(arguments):
                self.assertEqual(self.options('-s', *arguments, cwd=self.driver)['overlay'], [str(self.driver)])
        self.assertEqual(self.options('-s', '-f', self.driver / 'Makefile', 'test', cwd='/')['overlay'],
                         [str(self.driver)])

    def test_options_arrive_as_they_were_typed(self):
        found = self.options('-s', 'guest', "CMD=echo $HOME 'a b' $$", 'DEBUG=1', cwd=self.driver)
        self.assertEqual((found['cmd'], found['debug']), ("echo $HOME 'a b' $$", True))
        found = self.options('-s', 'test', 'OVERLAY=/a:/b', cwd=self.driver)
        self.assertEqual(found['overlay'], ['/a', '/b'])
        self.assertIn('unknown option TSET', self.refused('test', 'TSET=1', cwd=self.driver))

    def test_a_command_that_takes_no_overlay_gets_none(self):
        self.assertEqual(self.run_make('clean', cwd=self.driver).returncode, 0)
        self.assertIn('new does not accept OVERLAY', self.refused('new', 'NAME=abc', 'OVERLAY=/a', cwd=self.driver))

    def test_without_a_goal_it_prints_the_help(self):
        for arguments in ([], ['help']):
            self.assertIn('make demo', self.run_make('-s', *arguments, cwd=self.driver).stdout)

    def test_without_the_workbench_it_says_what_to_do(self):
        (self.driver / scaffold.LINK).unlink()
        self.assertIn('clone it there', self.refused('test', cwd=self.driver))


class CiTest(unittest.TestCase):
    """The file for GitHub."""

    def test_it_names_no_workbench_of_its_own(self):
        text = (scaffold.TEMPLATES / '.github/workflows/test.yml').read_text(encoding='utf-8')
        self.assertEqual(re.findall(r'https?://\S+', text), [])
        result = subprocess.run(['python3', '-c', 'import sys, yaml; yaml.safe_load(sys.stdin)'], input=text,
                                capture_output=True, text=True, check=False)
        if 'No module named' not in result.stderr:
            self.assertEqual(result.stderr, '')


if __name__ == '__main__':
    unittest.main()
