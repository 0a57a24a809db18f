# SPDX-License-Identifier: GPL-2.0-only
"""Test the selection of the packages of a kernel, its command line, and programs of another release."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from host.console import UserError
from host.environment import environment
from kernel import archive, distro, loader, unpacked
from machine.distro import DISTRO

OLD = ['linux-headers-6.1.0-9-cloud-amd64', 'linux-headers-6.1.0-50-cloud-amd64', 'linux-headers-6.1.0-50-common',
       'linux-image-6.1.0-50-cloud-amd64', 'linux-headers-6.12.9+deb12-cloud-amd64', 'linux-headers-cloud-amd64']
NEW = ['linux-headers-7.3.4+deb13-cloud-amd64', 'linux-image-7.3.4+deb13-cloud-amd64',
       'linux-binary-7.3.4+deb13-cloud-amd64', 'linux-modules-7.3.4+deb13-cloud-amd64']


class SelectionTest(unittest.TestCase):
    """Test the choice of packages from their names."""

    def test_the_newest_release_is_chosen_by_its_numbers(self):
        self.assertEqual(distro.newest('6.1', OLD), '6.1.0-50-cloud-amd64')
        self.assertEqual(distro.newest('6.12', OLD), '6.12.9+deb12-cloud-amd64')
        self.assertEqual(distro.newest('6.2', OLD), '')

    def test_the_versions_are_sorted_by_their_numbers(self):
        self.assertEqual(distro.versions([*NEW, *OLD[::-1]]), ['6.1', '6.12', '7.3'])

    def test_a_kernel_is_in_one_package_or_in_several(self):
        self.assertEqual(distro.image_packages('6.1.0-50-cloud-amd64', OLD), ('linux-image-6.1.0-50-cloud-amd64',))
        self.assertEqual(distro.image_packages('7.3.4+deb13-cloud-amd64', NEW), tuple(
            f'linux-{part}-7.3.4+deb13-cloud-amd64' for part in ('base', 'binary', 'modules')))

    def test_the_headers_and_the_compiler_are_what_the_headers_depend_on(self):
        needs = {'linux-headers-7.3.4+deb13-cloud-amd64': [
            'gcc-14-for-host', 'linux-base', 'linux-base-7.3.4+deb13-cloud-amd64', 'linux-headers-7.3.4+deb13-common',
            'linux-kbuild-7.3.4+deb13'], 'linux-kbuild-7.3.4+deb13': ['pahole', 'libc6']}
        suite = SimpleNamespace(depends=lambda name: needs.get(name, []))
        found = distro._packages(suite, '7.3.4+deb13-cloud-amd64', NEW)
        self.assertEqual(found.headers, ('linux-headers-7.3.4+deb13-cloud-amd64', 'linux-headers-7.3.4+deb13-common',
                                         'linux-kbuild-7.3.4+deb13'))
        self.assertEqual(found.tools, ('binutils', 'gcc-14-for-host', 'libc6'))

    def test_an_unknown_version_is_an_error_with_the_known_ones(self):
        suite = SimpleNamespace(names=lambda _: OLD)
        with mock.patch.object(archive, 'with_backports', lambda _: suite), \
             mock.patch.object(archive, 'codename', lambda: 'bookworm'):
            with self.assertRaisesRegex(UserError, 'no kernel 5.4 of Debian; it has: 6.1, 6.12$'):
                distro._find('5.4')
            self.assertEqual(distro._find('6.12')[0], 'bookworm')

    def test_the_modules_that_a_module_requires_are_read_from_it(self):
        self.assertEqual(distro.depends(b'x\0license=GPL\0depends=a,b-c\0name=d\0'), ['a', 'b-c'])
        self.assertEqual(distro.depends(b'license=GPL\0depends=\0'), [])
        self.assertEqual(distro.depends(b''), [])


class DependsTest(unittest.TestCase):
    """Test the dependencies of a package."""

    def test_the_first_alternatives_are_read_without_versions(self):
        suite = archive.Archive.__new__(archive.Archive)
        text = 'Package: a\nPre-Depends: x\nDepends: kmod, linux-base (>= 4.3~), b (= 1) | c, perl:any\nSize: 1\n'
        with mock.patch.object(archive.Archive, '_query', lambda *_: text):
            self.assertEqual(suite.depends('a'), ['kmod', 'linux-base', 'b', 'perl'])
        with mock.patch.object(archive.Archive, '_query', lambda *_: 'Package: a\n'):
            self.assertEqual(suite.depends('a'), [])


class UnpackedTest(unittest.TestCase):
    """Test directories of the cache."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = Path(scratch.name) / 'distro'
        patch = mock.patch.object(unpacked, 'HOME', self.home)
        patch.start()
        self.addCleanup(patch.stop)

    def test_a_directory_is_filled_once(self):
        for _ in range(2):
            path = unpacked.directory('x', lambda root: (root / 'file').touch(exist_ok=False))
        self.assertEqual([file.name for file in path.iterdir()], ['file'])

    def test_a_failure_leaves_nothing(self):
        def fill(root):
            (root / 'file').touch()
            raise UserError('the network failed')
        with self.assertRaisesRegex(UserError, 'network'):
            unpacked.directory('x', fill)
        self.assertEqual([file.name for file in self.home.iterdir()], ['.lock'])

    def test_missing_space_is_an_error(self):
        with mock.patch.object(shutil, 'disk_usage', lambda _: SimpleNamespace(free=5 << 20)):
            with self.assertRaisesRegex(UserError, '5 MiB free; .* require 1024 MiB'):
                unpacked.directory('x', lambda root: None)


class LoaderTest(unittest.TestCase):
    """Test the scripts for programs of another release, with the loader of this machine."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = Path(scratch.name)
        self.root = loader.Root(self.path / 'root')

    def test_a_script_passes_its_name_and_its_arguments(self):
        self.root.loader = self.path / 'loader'
        self.root.loader.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
        self.root.loader.chmod(0o755)
        script = self.path / "a script's name"
        self.root.write(script, Path('/p q'), ['-x'])
        output = subprocess.run([script, 'a b', '*'], env=environment(), capture_output=True, text=True, check=True)
        self.assertEqual(output.stdout, f'--library-path|{self.root.libraries}|--argv0|{script}|/p q|-x|a b|*|')

    def test_a_mirror_has_links_and_scripts_for_programs(self):
        source = self.path / 'source/sub'
        source.mkdir(parents=True)
        (source / 'text').write_text('x')
        (source / 'program').write_bytes(loader.ELF)
        os.chmod(source / 'program', 0o755)
        (source / 'object').write_bytes(loader.ELF)
        for root in (None, self.root):
            target = self.path / f'target-{bool(root)}'
            loader.mirror(source.parent, target, root)
            self.assertEqual([(target / 'sub' / name).is_symlink() for name in ('text', 'program', 'object')],
                             [True, not root, True])


class CommandTest(unittest.TestCase):
    """Test the command line of QEMU."""

    def command(self, **options):
        return DISTRO.command(SimpleNamespace(image=Path('/vmlinuz')), [Path('/run,1')], 5, **options)

    def test_each_output_has_a_serial_line_in_a_fixed_order(self):
        command = self.command()
        lines = [value.removeprefix('chardev:') for word, value in zip(command, command[1:]) if word == '-serial']
        self.assertEqual(lines, ['log', 'out', 'err', 'status'])
        self.assertIn('file,id=status,path=/run,,1/status', command)

    def test_the_second_line_is_the_terminal_if_there_is_one(self):
        self.assertIn('stdio,id=out,signal=off', self.command(is_on_terminal=True))
        self.assertIn('GUEST_TERMINAL=1', self.command(is_on_terminal=True)[-1])

    def test_the_interpreter_lacks_an_instruction(self):
        self.assertIn('max,-cx16', self.command())
        self.assertNotIn('max,-cx16', self.command(kvm=True))


if __name__ == '__main__':
    unittest.main()
