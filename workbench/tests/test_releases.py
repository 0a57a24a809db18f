# SPDX-License-Identifier: GPL-2.0-only
"""Test the checks on releases of Debian, with substitutes for slow programs."""

import contextlib
import io
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from kernel import archive
from machine import roots
from verdict import releases
import trees

DEBOOTSTRAP = '''#!/bin/sh
for root; do
    case $root in */root-*) mkdir -p "$root/root" "$root/proc" ;; esac
done
'''

# unshare starts debootstrap, too.
UNSHARE = '''#!/bin/sh
case " $* " in *' debootstrap '*)
    while [ "$1" != debootstrap ]; do shift; done
    exec "$@" ;;
esac
'''


class Scratch(unittest.TestCase):
    """The base of tests with a directory, and with substitutes for programs."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.programs = self.scratch / 'bin'
        self.programs.mkdir()
        self.patch(mock.patch.dict(os.environ, PATH=f'{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin'))

    def patch(self, patch):
        patch.start()
        self.addCleanup(patch.stop)

    def write_program(self, name, text):
        (self.programs / name).write_text(text, encoding='ascii')
        (self.programs / name).chmod(0o755)


class HostsTest(Scratch):
    """Test make check-debian with a small repository."""

    def setUp(self):
        super().setUp()
        self.repository, self.build = self.scratch / 'repository', self.scratch / 'build'
        trees.write(self.repository, {'Makefile': 'all:\n'})
        trees.commit(self.repository)
        self.build.mkdir()
        for name, value in (('REPO', self.repository), ('build_root', lambda: self.build),
                            ('REQUIRED_SPACE', 0)):
            self.patch(mock.patch.object(releases, name, value))
        self.patch(mock.patch.object(archive, 'mirror', lambda: 'http://deb.example.org/debian'))
        self.patch(mock.patch('os.geteuid', return_value=0))
        self.write_program('debootstrap', DEBOOTSTRAP)

    def check(self, *tested):
        with contextlib.redirect_stdout(io.StringIO()) as output, \
             contextlib.redirect_stderr(io.StringIO()) as messages:
            failed = releases.check_hosts(tested)
        self.assertEqual([path for path in (self.build / 'check-debian').iterdir() if path.is_dir()], [])
        return failed, output.getvalue().splitlines(), messages.getvalue()

    def test_the_result_of_each_release_and_the_tested_commit_are_printed(self):
        self.write_program('unshare', UNSHARE + 'cat /dev/null\necho "3 passed, 0 failed, 1 skipped"\n')
        failed, output, messages = self.check()
        self.assertEqual(failed, 0)
        for line, release in zip(output, ('12', '13'), strict=True):
            self.assertRegex(line, rf'^Debian {release}, \d+ s, passed: 3 passed, 0 failed, 1 skipped$')
        head = trees.git(self.repository, 'rev-parse', '--short', 'HEAD').strip()
        self.assertIn(f'testing commit {head}\n', messages)
        trees.write(self.repository, {'Makefile': 'other:\n'})
        self.assertIn('without uncommitted changes', self.check('13')[2])

    def test_a_failure_of_a_release_names_its_log(self):
        self.write_program('unshare', UNSHARE + 'case $* in *root-12*) echo "ERROR: no"; exit 1 ;; esac\n'
                           'echo "1 passed"\n')
        failed, output, _ = self.check()
        self.assertEqual(failed, 1)
        text = '\n'.join(output)
        self.assertRegex(text, 'Debian 12, .* failed: (.|\n)*debian-12.log(.|\n)*Debian 13, .* passed: 1 passed')

    def test_a_clone_of_the_last_commit_is_tested(self):
        self.write_program('unshare', UNSHARE + 'for root; do case $root in */root-13) cd "$root/root" ;; esac; done\n'
                           'git clone -q project.bundle here && cat here/Makefile\n')
        trees.write(self.repository, {'Makefile': 'uncommitted:\n'})
        self.assertRegex(self.check('13')[1][0], 'passed: all:$')

    def test_an_interrupt_leaves_no_root(self):
        self.write_program('unshare', UNSHARE + 'exec sleep 100\n')
        with mock.patch('host.process.Progress.tick', side_effect=KeyboardInterrupt), \
             self.assertRaises(KeyboardInterrupt):
            self.check('13')
        self.assertEqual([path for path in (self.build / 'check-debian').iterdir() if path.is_dir()], [])

    def test_a_root_of_an_earlier_run_is_removed_first(self):
        trees.write(self.build, {'check-debian/root-13/root/stale': ''})
        self.write_program('unshare', UNSHARE +
                           'for root; do case $root in */root-13) ls "$root/root" ;; esac; done\n')
        self.assertRegex(self.check('13')[1][0], 'passed: project.bundle$')

    def test_a_user_other_than_root_is_refused(self):
        with mock.patch('os.geteuid', return_value=1000), self.assertRaisesRegex(UserError, 'requires root'):
            releases.check_hosts(())
        self.assertEqual(os.listdir(self.build), [])


@unittest.skipUnless(shutil.which('dpkg-deb'), 'dpkg-deb is not installed')
class RootTest(Scratch):
    """Test the root directory that is created from packages."""

    def setUp(self):
        super().setUp()
        self.patch(mock.patch.object(roots, 'CACHE', self.scratch / 'cache'))
        self.debs = [self.package('dash', {'usr/bin/dash': ''}),
                     self.package('base', {'bin/true': '', 'etc/x': '', 'lib/y': '',
                                           'usr/share/base-passwd/passwd.master': 'root\n',
                                           'usr/share/base-passwd/group.master': 'root\n'})]
        self.suite = mock.Mock(suite='trixie', log=self.scratch / 'log')
        self.suite.download_closure.return_value = self.debs
        self.patch(mock.patch.object(archive, 'suite', return_value=self.suite))

    def package(self, name, files):
        trees.write(self.scratch / name, {**files, 'DEBIAN/control': (
            f'Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: T <t@example.org>\n'
            'Description: a test\n')})
        deb = self.scratch / f'{name}.deb'
        subprocess.run(['dpkg-deb', '-Znone', '-b', self.scratch / name, deb],
                       check=True, capture_output=True)
        return deb

    def root(self):
        with contextlib.redirect_stderr(io.StringIO()):
            return roots.root_of('13')

    def test_packages_are_unpacked_into_a_merged_usr(self):
        root = self.root()
        self.assertTrue((root / 'usr/bin/true').exists())
        self.assertTrue((root / 'usr/lib/y').exists())
        self.assertEqual((os.readlink(root / 'bin'), os.readlink(root / 'bin/sh')), ('usr/bin', 'dash'))
        self.assertEqual((root / 'etc/passwd').read_text(), 'root\n')

    def test_a_root_is_created_once(self):
        self.assertEqual(self.root(), self.root())
        self.suite.download_closure.assert_called_once()

    def test_an_incomplete_root_is_removed(self):
        self.debs[1].write_bytes(b'damaged')
        with self.assertRaisesRegex(UserError, 'unpacking base.deb failed'):
            self.root()
        self.assertEqual([path.name for path in (self.scratch / 'cache/roots').iterdir()], ['.trixie.lock'])

    def test_the_other_release_is_a_supported_one(self):
        os_release = self.scratch / 'os-release'
        with mock.patch.object(archive, 'OS_RELEASE', os_release):
            for here, other in (('12', '13'), ('13', '12'), ('14', '12')):
                os_release.write_text(f'ID=debian\nVERSION_ID="{here}"\n')
                self.assertEqual(releases.other_release(), other)


if __name__ == '__main__':
    unittest.main()
