# SPDX-License-Identifier: GPL-2.0-only
"""Test the options of commands, and their consistency with the help, the README and the manual."""

import contextlib
import io
import re
import shlex
import tempfile
import unittest
from pathlib import Path

from cli import commands, main, options
from cli.options import COMMANDS, OPTIONS, Options, from_arguments, from_make, packages, parse
from host.console import UserError
from host.paths import REPO, WORKBENCH
from subject.overlay import load

GOOD = {'ARCH': 's390',
        'CMD': 'exit 7', 'CONFIG': 'CONFIG_A=y CONFIG_B="x"', 'DEBUG': '1', 'JOBS': '3', 'KDIR': '/linux',
        'KERNEL': '6.12', 'KERNELS': '6.1  7.3', 'MODULE': '/a:b', 'OVERLAY': '/a b:/c', 'PROBE': '0',
        'NAME': 'widget', 'DIR': '/a b', 'WITH': 'mmap ioctl',
        'QUICK': '1', 'RELEASES': '12 13', 'RESULTS': '/results', 'TARGET': 'x86_64',
        'BCAST': '1', 'DEVICE': 'qemu-x', 'LOG': '/a b', 'N': '8', 'SBATCH': "-p 'a b'", 'URL': 'http://h/j',
        'TEST': 'message open', 'TIMEOUT': '30', 'V': '2'}
PARSED = {'ARCH': 's390',
          'CMD': 'exit 7', 'CONFIG': 'CONFIG_A=y\nCONFIG_B="x"\n', 'DEBUG': True, 'JOBS': 3, 'KDIR': '/linux',
          'KERNEL': '6.12', 'KERNELS': ('6.1', '7.3'), 'MODULE': ('/a', 'b'), 'OVERLAY': ('/a b', '/c'), 'PROBE': False,
          'NAME': 'widget', 'DIR': '/a b', 'WITH': ('mmap', 'ioctl'),
          'QUICK': True, 'RELEASES': ('12', '13'), 'RESULTS': '/results', 'TARGET': 'x86_64',
          'BCAST': True, 'DEVICE': 'qemu-x', 'LOG': '/a b', 'N': 8, 'SBATCH': ('-p', 'a b'), 'URL': 'http://h/j',
          'TEST': ('message', 'open'), 'TIMEOUT': 30, 'V': 2}
BAD = {
    'ARCH': ('um', 'x86_64', 'arm64 s390', 'ARM64', 'sparc'),
    'BCAST': ('yes', '2'),
    'CMD': (' ', '\n\t'),
    'CONFIG': (' ', 'CONFIG_A', 'A=y', '/nonexistent', '/'),
    'DEVICE': (' ', 'a b', '-x', 'a/b'),
    'DIR': ('/a:b', '/a\nb', '\n'),
    'DEBUG': ('yes', 'true', '2', 'on', '01', '1 '),
    'JOBS': ('0', '-1', 'all', '1.5', '99999'),
    'KERNEL': ('abc', '7', '7.3.1', '7.', ' 7.3', '7.3\n', 'linux-7.3', '٧.٣'),
    'KERNELS': (' ', '6', '6.1,7.3', '6.1\n', 'all'),
    'MODULE': (':', 'a::b'),
    'N': ('0', '-1', 'all', '1.5'),
    'NAME': ('ab', 'sixteen_letters_', '3abc', 'Abc', 'a-b', '_abc', 'größe', 'abc\n', 'a b'),
    'OVERLAY': (':', '/a:', ':/a', '/a::/b'),
    'PROBE': ('no', '2'),
    'QUICK': ('maybe', 'no', '11'),
    'RELEASES': (' ', '11', '12,13', 'trixie', '1213'),
    'SBATCH': (' ', "-p 'a"),
    'TARGET': ('arm64', 'UM', 'um x86_64', 'um\n'),
    'TEST': (' ', 'a;b', '$(x)', 'a"b'),
    'TIMEOUT': ('soon', '0', '-1', '1.5', '5m', '1e3', '99999999999', '٣'),
    'WITH': (' ', 'io', 'ioctl,poll', 'ioctl\n', 'read', 'all'),
    'V': ('x', '0', '-1', '1.0', '01'),
}
OF_OVERLAY = tuple(load(REPO).description.commands)
REQUIRED = {'CMD': 'CMD=true', 'KDIR': 'KDIR=/linux', 'LOG': 'LOG=/log', 'MODULE': 'MODULE=/hello',
            'NAME': 'NAME=widget'}


class ParseTest(unittest.TestCase):
    """Test the values that parse() returns, and its errors."""

    def refused(self, command, *assignments):
        with self.assertRaises(UserError) as caught:
            parse(command, list(assignments))
        message = str(caught.exception)
        self.assertNotIn('\n', message)
        return message

    def required(self, command):
        return [REQUIRED[name] for name in COMMANDS[command].required]

    def test_each_command_accepts_only_its_options(self):
        for command, description in COMMANDS.items():
            for name, value in GOOD.items():
                if (command, name) == ('try', 'TARGET'):
                    # See test_a_module_is_tried_on_one_kernel_of_debian().
                    continue
                with self.subTest(command=command, option=name):
                    if name in description.options:
                        parsed = parse(command, [*self.required(command), f'{name}={value}'])
                        self.assertEqual(getattr(parsed, options.attribute(name)), PARSED[name])
                    else:
                        self.assertIn(f'{command} does not accept {name}', self.refused(command, f'{name}={value}'))

    def test_an_invalid_value_is_refused(self):
        for name, values in BAD.items():
            command = next(command for command, description in COMMANDS.items() if name in description.options)
            for value in values:
                with self.subTest(option=name, value=value), self.assertRaisesRegex(UserError, f'^{name}='):
                    parse(command, [*self.required(command), f'{name}={value}'])

    def test_a_kernel_of_debian_is_not_changed_and_runs_some_commands(self):
        self.assertEqual(parse('guest', ['TARGET=distro', 'KERNEL=6.1', 'CMD=true']).kernel, '6.1')
        self.assertIn('these commands do: farm, guest, job, kselftest', self.refused('kunit', 'TARGET=distro'))
        for option in ('CONFIG=CONFIG_X=y', 'DEBUG=1', 'KDIR=/linux'):
            self.assertIn('exclude each other', self.refused('kselftest', 'TARGET=distro', option))

    def test_a_module_is_tried_on_unchanged_kernels(self):
        for option in ('CONFIG=CONFIG_X=y', 'DEBUG=1', 'KDIR=/linux', 'KERNEL=7.3', 'CMD=shell', 'TARGET=distro'):
            self.assertIn('exclude each other', self.refused('try', 'MODULE=/hello', 'KERNELS=6.1', option))
        for option in ('CONFIG=CONFIG_X=y', 'DEBUG=1', 'KDIR=/linux', 'CMD=shell'):
            self.assertIn('exclude each other', self.refused('try', 'MODULE=/hello', 'TARGET=distro', option))

    def test_a_module_is_tried_on_one_kernel_of_debian(self):
        self.assertEqual(parse('try', ['MODULE=/hello', 'TARGET=distro', 'KERNEL=6.1']).kernels, ('6.1',))
        self.assertEqual(parse('try', ['MODULE=/hello', 'TARGET=um', 'KERNEL=7.3']).kernels, ())
        self.assertIn('try runs on um', self.refused('try', 'MODULE=/hello', 'TARGET=x86_64'))

    def test_an_unknown_option_is_refused(self):
        self.assertIn('unknown option TSET; the options of test: CONFIG', self.refused('test', 'TSET=x'))
        self.assertIn('unknown option test', self.refused('kselftest', 'test=x'))
        self.refused('test', 'TEST')
        self.refused('test', '=x')

    def test_an_unknown_command_is_refused(self):
        self.assertIn('make help', self.refused('nonsense'))
        self.refused('')

    def test_a_missing_required_option_is_refused(self):
        for command, description in COMMANDS.items():
            for name in description.required:
                with self.subTest(command):
                    self.assertIn(f'{command} requires {name}', self.refused(command))
                    self.assertIn(f'{command} requires {name}', self.refused(command, f'{name}='))

    def test_an_empty_value_selects_the_default(self):
        for command, description in COMMANDS.items():
            required = self.required(command)
            empty = [f'{name}=' for name in description.options if name not in description.required]
            self.assertEqual(parse(command, [*required, *empty]), parse(command, required))

    def test_the_last_of_several_values_applies(self):
        self.assertEqual(parse('kernel', ['TARGET=um', 'TARGET=x86_64']).target, 'x86_64')

    def test_a_packaged_source_and_a_tree_exclude_each_other(self):
        self.assertIn('exclude each other', self.refused('kernel', 'KDIR=/linux', 'KERNEL=7.3'))

    def test_an_architecture_and_a_kernel_of_the_workbench_exclude_each_other(self):
        for other in ('TARGET=um', 'DEBUG=1', 'CONFIG=CONFIG_X=y'):
            self.assertIn(f'ARCH and {other.partition("=")[0]} exclude each other',
                          self.refused('kunit', 'ARCH=s390', other))

    def test_the_value_of_cmd_is_not_changed(self):
        for command in ('a=b', ' x ', 'a\nb', '$(x) $$ %', "'\"\\"):
            self.assertEqual(parse('guest', [f'CMD={command}']).cmd, command)

    def test_the_packages_depend_on_the_target_and_the_command(self):
        self.assertEqual(packages('demo', Options(target='x86_64')), ['x86_64'])
        self.assertEqual(packages('kunit', Options(arch='s390')), ['s390'])
        self.assertEqual(packages('try', Options(kernels=('6.1',))), ['try', 'distro'])
        self.assertEqual(packages('lint', Options()), ['lint', 'um', 'analysis'])
        self.assertEqual(packages('lint', Options(quick=True)), ['lint', 'um'])
        self.assertIsNone(packages('clean', Options()))

    def test_an_overlay_names_the_packages_of_its_commands(self):
        self.assertEqual(packages('measure', Options()), ['test', 'x86_64', 'um'])
        self.assertEqual(packages('measure', Options(), 'lint distro'), ['lint', 'distro', 'um'])
        with self.assertRaisesRegex(UserError, 'packages.measure: workbench/host/packages has no target lnt; it has: '):
            packages('measure', Options(), 'lnt')


class ArgumentsTest(unittest.TestCase):
    """Test the command line of python3 workbench."""

    def test_options_have_either_form(self):
        for arguments in (['test', 'TARGET=x86_64'], ['test', '--target', 'x86_64'], ['test', '--target=x86_64']):
            with self.subTest(arguments):
                command, assignments = from_arguments(arguments, {})
                self.assertEqual(parse(command, assignments).target, 'x86_64')

    def test_a_command_of_the_overlay_accepts_the_options_of_the_source(self):
        command, assignments = from_arguments(['measure', '--kernel', '6.12'], {'measure': 'measures'})
        self.assertEqual(parse(command, assignments, ('measure',)).kernel, '6.12')
        with self.assertRaisesRegex(UserError, 'measure does not accept DEBUG'):
            parse('measure', ['DEBUG=1'], ('measure',))

    def test_an_option_that_a_command_does_not_have_is_refused(self):
        for arguments in (['clean', '--target', 'um'], ['test', '--nonsense'], ['--target', 'um']):
            with self.subTest(arguments), self.assertRaises(UserError) as caught:
                from_arguments(arguments, {})
            self.assertNotIn('\n', str(caught.exception))

    def test_each_command_has_a_help(self):
        for command, description in COMMANDS.items():
            with self.subTest(command), contextlib.redirect_stdout(io.StringIO()) as output, \
                 self.assertRaises(SystemExit) as exited:
                from_arguments([command, '--help'], {})
            self.assertEqual(exited.exception.code, 0)
            for name in description.options:
                self.assertIn(f'--{name.lower()} {name}', output.getvalue())

    def test_kernel_settings_are_read_from_a_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / 'my settings'
            path.write_text('# why\nCONFIG_A=y\n# CONFIG_B is not set', encoding='utf-8')
            self.assertEqual(parse('test', [f'CONFIG={path}']).config, '# why\nCONFIG_A=y\n# CONFIG_B is not set\n')
            path.write_text('CONFIG_A=y\nB=y\n', encoding='utf-8')
            with self.assertRaisesRegex(UserError, "my settings:2: 'B=y' is not a kernel setting"):
                parse('test', [f'CONFIG={path}'])


class FromMakeTest(unittest.TestCase):
    """Test which arguments of make are options."""

    def test_variables_of_other_command_lines_are_not_options(self):
        self.assertEqual(from_make(['KDIR', 'V'], ['make', '-k', 'series', 'V=2']), ['V=2'])

    def test_a_directory_with_an_equals_sign_is_not_an_option(self):
        self.assertEqual(from_make(['V'], ['make', '-C', 'a=b', '--eval=x=y', 'V=2']), ['V=2'])

    def test_python_is_not_an_option_of_the_workbench(self):
        self.assertEqual(from_make(['PYTHON'], ['make', 'PYTHON=python3']), [])

    def test_values_are_not_changed(self):
        self.assertEqual(from_make(['CMD'], ['make', 'CMD= a=b\n$$c ']), ['CMD= a=b\n$$c '])

    def test_other_operators_are_refused(self):
        for operator in (':=', '::=', '+=', '?=', '!='):
            with self.subTest(operator), self.assertRaisesRegex(UserError, 'form CMD=value'):
                from_make(['CMD'], ['make', f'CMD{operator}x'])


def calls(text):
    """Yield the command and the assignments of each call of make or python3 workbench in a text."""
    pattern = re.compile(r"(?:make|python3 workbench) ((?:[a-z-]+)(?: [A-Z]+=(?:'[^']*'|[^\s`,;']*))*)")
    for match in pattern.finditer(text):
        command, *assignments = shlex.split(match[1])
        # The Makefile of the kernel also has a target kselftest.
        if not any(word.startswith('TARGETS=') for word in assignments):
            yield command, assignments


class TextTest(unittest.TestCase):
    """Test the consistency of the help, the README, the manual and the Makefile with the options."""

    def setUp(self):
        self.help = (WORKBENCH / 'help').read_text(encoding='utf-8')
        self.commands, self.options = self.help.split('Options are read from')

    def test_the_help_lists_exactly_the_commands(self):
        self.assertEqual(sorted(re.findall(r'^  make ([a-z-]+)', self.commands, re.M)), sorted(COMMANDS))

    def test_the_help_lists_exactly_the_options(self):
        listed = set(re.findall(r'\b([A-Z]+)=', self.help)) - {'PYTHON'}
        self.assertEqual(listed, set(OPTIONS))

    def test_the_help_lists_exactly_the_commands_with_a_time_limit(self):
        text = re.search(r'seconds, for .*?by default', self.options, re.S)[0]
        expected = {command for command, description in COMMANDS.items() if 'TIMEOUT' in description.options}
        self.assertEqual({word for word in re.findall(r'[a-z0-9-]+', text) if word in COMMANDS}, expected)

    def test_the_examples_are_accepted(self):
        texts = [self.help, (REPO / 'README.md').read_text(encoding='utf-8'),
                 (REPO / '.ci/run').read_text(encoding='utf-8')]
        found = [call for text in texts for call in calls(text) if call[0] in (*COMMANDS, *OF_OVERLAY) or call[1]]
        # The manual also contains calls of make in a kernel tree, and commands without options.
        manual = [file.read_text(encoding='utf-8') for name, file in load(REPO).files.items() if name.endswith('.rst')]
        found += [call for text in manual for call in calls(text) if call[0] in (*COMMANDS, *OF_OVERLAY) and call[1]]
        self.assertGreater(len(found), len(COMMANDS))
        for command, assignments in found:
            with self.subTest(command=command, options=assignments):
                parse(command, assignments, OF_OVERLAY)

    def test_the_example_of_each_option_is_accepted(self):
        for name, value in re.findall(r"^  ([A-Z]+)=('[^']+'|\S+)", self.options, re.M):
            if name != 'PYTHON':
                with self.subTest(name):
                    self.assertTrue(re.fullmatch(OPTIONS[name].pattern, value.strip("'")))

    def test_the_makefile_lists_exactly_the_commands(self):
        makefile = (REPO / 'Makefile').read_text(encoding='utf-8').replace('\\\n', ' ')
        self.assertEqual(sorted(re.search('^commands := (.*)$', makefile, re.M)[1].split()),
                         sorted([*COMMANDS, *OF_OVERLAY]))

    def test_each_command_has_a_function(self):
        self.assertEqual(sorted(commands.FUNCTIONS), sorted(COMMANDS))
        self.assertLessEqual(set(main.UNLOCKED), set(COMMANDS))

    def test_each_option_has_a_default(self):
        self.assertEqual(sorted(vars(Options())), sorted(map(options.attribute, OPTIONS)))
        self.assertEqual(sorted(options.EXAMPLES), sorted(REQUIRED))


if __name__ == '__main__':
    unittest.main()
