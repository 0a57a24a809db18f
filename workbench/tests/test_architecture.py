# SPDX-License-Identifier: GPL-2.0-only
"""Other architectures: the programs that kunit.py calls, and its arguments."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from host.paths import WORKBENCH
from kernel import build
from kernel.architecture import ARCHITECTURES
from subject.subject import load
from verdict import kunit

BIN = WORKBENCH / 'kernel/bin'


class ProgramsTest(unittest.TestCase):
    """Test the wrappers in kernel/bin."""

    def run_wrapper(self, name, *arguments, base='', here='out'):
        """Run a wrapper with substitutes for the programs that it calls; return what it called.

        base: the directory whose paths ccache makes relative, if any. here: the current
        directory, relative to it.
        """
        with tempfile.TemporaryDirectory() as directory:
            for program in ('ccache', name.removeprefix('ccache-')):
                path = Path(directory) / program
                path.write_text('#!/bin/sh\necho "${0##*/}" "$@" ${CCACHE_BASEDIR:+"with a base"}\n', encoding='utf-8')
                path.chmod(0o755)
            cwd = Path(base, here) if base else Path(directory)
            cwd.mkdir(parents=True, exist_ok=True)
            return subprocess.run([BIN / name, *arguments], cwd=cwd, capture_output=True, text=True, check=True, env={
                'PATH': f'{directory}:{os.environ["PATH"]}', 'CCACHE_BASEDIR': base, 'PWD': str(cwd)}).stdout.strip()

    def test_each_compiler_runs_through_ccache(self):
        for architecture in ARCHITECTURES.values():
            compiler = f'{architecture.cross_compile}gcc'
            self.assertEqual(self.run_wrapper(f'ccache-{compiler}', '-c', 'a.c'), f'ccache {compiler} -c a.c')

    def test_assembly_is_not_cached(self):
        self.assertEqual(self.run_wrapper('ccache-s390x-linux-gnu-gcc', '-c', 'a.S'), 's390x-linux-gnu-gcc -c a.S')

    def test_the_paths_of_a_build_are_relative(self):
        with tempfile.TemporaryDirectory() as base:
            for name in ('gcc', 's390x-linux-gnu-gcc'):
                output = self.run_wrapper(f'ccache-{name}', f'-I{base}/linux/include', f'-Wa,-I{base}/linux',
                                          f'-fprefix-map={base}/linux/=', '-DX="a  *"', '-I./include',
                                          f'-I{base}x/linux', f'{base}/linux/a.c', base=base)
                self.assertEqual(output, f'ccache {name} -I../linux/include -Wa,-I../linux -fprefix-map=../linux/='
                                         f' -DX="a  *" -I./include -I{base}x/linux ../linux/a.c')

    def test_ccache_changes_the_paths_in_other_directories(self):
        with tempfile.TemporaryDirectory() as base:
            self.assertEqual(self.run_wrapper('ccache-gcc', f'{base}/linux/a.c', base=base, here='deep/out'),
                             f'ccache gcc {base}/linux/a.c with a base')

    def test_qemu_runs_without_kvm(self):
        script = (BIN / 'tcg').read_text(encoding='utf-8').replace('exec "/usr/bin/', 'echo "')
        arguments = ['-append', 'a b kvm', '-accel', 'kvm', '-accel', 'hvf', '-accel', 'tcg']
        output = subprocess.run(['sh', '-c', script, '/bin/qemu-system-s390x', *arguments],
                                capture_output=True, text=True, check=True).stdout
        self.assertEqual(output, 'qemu-system-s390x -append a b kvm -accel tcg -accel tcg -accel tcg\n')


class ArgumentsTest(unittest.TestCase):
    """Test the arguments of kunit.py."""

    def arguments(self, arch):
        with tempfile.TemporaryDirectory() as directory:
            return kunit._config_arguments(Path('/tree'), load(), Path(directory), arch)

    def test_an_architecture_has_its_compiler(self):
        arguments = self.arguments('arm64')
        for argument in ('--arch=arm64', '--cross_compile=aarch64-linux-gnu-',
                         '--make_options=CC=ccache-aarch64-linux-gnu-gcc'):
            self.assertIn(argument, arguments)

    def test_um_is_the_default(self):
        arguments = self.arguments('')
        self.assertIn('--make_options=CC=ccache-gcc', arguments)
        self.assertIn(f'--make_options={build.image_flags(load())}', arguments)
        self.assertFalse([argument for argument in arguments if argument.startswith(('--arch', '--cross'))])


if __name__ == '__main__':
    unittest.main()
