# SPDX-License-Identifier: GPL-2.0-only
"""Test the download and the unpacking of packages, and the messages about failures."""

import contextlib
import io
import os
import resource
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

from host import lock
from host.console import UserError
from host.pipeline import run_pipeline
from kernel import archive, source

APT_GET = '''#!/bin/sh
echo "$*" >>{scratch}/calls
case $* in
*indextargets*) echo 'bookworm stable http://deb.example.org/debian' ;;
*update*) ;;
*download*)
    for last; do :; done
    cp {scratch}/archive/"$last"_*.deb . || {{ echo "E: no $last"; exit 100; }} ;;
esac
'''

APT_CACHE = '''#!/bin/sh
for last; do :; done
cd {scratch}/archive && for deb in "$last"*.deb; do echo "${{deb%%_*}}"; done
'''


@unittest.skipUnless(shutil.which('dpkg-deb'), 'dpkg-deb is not installed')
class ArchiveTest(unittest.TestCase):
    """Test an empty cache and an archive with a small package."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.packages = Path(scratch.name)
        tarball = cls.packages / 'source.tar.xz'
        with tarfile.open(tarball, 'w:xz') as tar:
            for name, size in (('linux-source-7.3/Makefile', 20), ('linux-source-7.3/big', 2 << 20)):
                member = tarfile.TarInfo(name)
                member.size = size
                tar.addfile(member, io.BytesIO(os.urandom(size)))
        cls.build('linux-source-7.3', {'usr/src/linux-source-7.3.tar.xz': tarball.read_bytes()})

    @classmethod
    def build(cls, name, files):
        """Build a package."""
        root = cls.packages / f'{name}-root'
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True)
            (root / path).write_bytes(content)
        (root / 'DEBIAN').mkdir()
        (root / 'DEBIAN/control').write_text(
            f'Package: {name}\nVersion: 1.0-1\nArchitecture: all\n'
            'Maintainer: T <t@example.org>\nDescription: a test\n')
        subprocess.run(['dpkg-deb', '-Znone', '-b', root, cls.packages / f'{name}_1.0-1_all.deb'],
                       check=True, capture_output=True)

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.cache, self.output = self.scratch / 'cache', self.scratch / 'build'
        self.output.mkdir()
        (self.scratch / 'archive').mkdir()
        for deb in self.packages.glob('*.deb'):
            shutil.copy(deb, self.scratch / 'archive')
        self.programs = self.scratch / 'bin'
        self.programs.mkdir()
        self.write_program('apt-get', APT_GET)
        self.write_program('apt-cache', APT_CACHE)
        os_release = self.scratch / 'os-release'
        os_release.write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
        for patch in (mock.patch.object(archive, 'CACHE', self.cache),
                      mock.patch.object(archive, 'OS_RELEASE', os_release),
                      mock.patch.object(source, 'build_root', lambda: self.output),
                      mock.patch.object(source, '_require_space', lambda _: None),
                      mock.patch.dict(os.environ, PATH=f'{self.programs}:/usr/bin:/bin')):
            patch.start()
            self.addCleanup(patch.stop)
        self.tree = self.output / 'linux-7.3'
        self.store = self.cache / 'packages'

    def write_program(self, name, text):
        program = self.programs / name
        program.write_text(text.format(scratch=self.scratch))
        program.chmod(0o755)

    def calls(self, word):
        """Return the number of calls of apt-get with a word."""
        with contextlib.suppress(FileNotFoundError):
            return sum(word in line for line in (self.scratch / 'calls').read_text().splitlines())
        return 0

    def unpack(self):
        """Unpack the kernel source; return the messages."""
        with contextlib.redirect_stderr(io.StringIO()) as messages:
            source.packaged_tree('7.3')
        return messages.getvalue()

    def assert_package_kept(self, pattern):
        """Assert that unpacking fails with a message, and that the package remains in the cache."""
        deb = next(self.store.glob('linux-source*.deb'))
        before = deb.stat().st_ino, self.calls('download')
        with self.assertRaisesRegex(UserError, pattern) as failure:
            self.unpack()
        self.assertNotIn('damaged', str(failure.exception))
        self.assertEqual((deb.stat().st_ino, self.calls('download')), before)
        self.assertEqual(sorted(os.listdir(self.output)), ['linux-7.3.unpack.log'])

    def fill_cache(self):
        """Download the package, and remove the unpacked tree."""
        self.unpack()
        shutil.rmtree(self.tree)

    def damage(self, name):
        deb = next(self.store.glob(f'{name}_*.deb'))
        os.truncate(deb, deb.stat().st_size // 2)

    def test_a_source_is_downloaded_once_and_unpacked(self):
        self.unpack()
        self.assertEqual(sorted(os.listdir(self.tree)), ['Makefile', 'big'])
        shutil.rmtree(self.tree)
        self.unpack()
        self.assertEqual(self.calls('download'), 1)
        self.assertEqual(sorted(os.listdir(self.output)), ['linux-7.3', 'linux-7.3.unpack.log'])

    def test_a_damaged_source_is_downloaded_again(self):
        self.fill_cache()
        self.damage('linux-source-7.3')
        messages = self.unpack()
        self.assertRegex(messages, 'linux-source-7.3_1.0-1_all.deb is damaged: downloading it again\n')
        self.assertEqual((self.tree / 'big').stat().st_size, 2 << 20)
        self.assertEqual(self.calls('download'), 2)

    def test_a_damaged_package_in_the_archive_is_an_error(self):
        deb = next((self.scratch / 'archive').glob('linux-source*'))
        deb.write_bytes(deb.read_bytes()[:-100000])
        with self.assertRaisesRegex(UserError, 'unpacking linux-source-7.3'):
            self.unpack()
        self.assertEqual(self.calls('download'), 1)

    def test_a_limit_of_the_file_size_is_reported(self):
        self.fill_cache()
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limit[1]))
        try:
            self.assert_package_kept('tar was killed by SIGXFSZ')
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    def test_a_missing_program_is_reported(self):
        self.fill_cache()
        for name in ('dpkg-deb', 'tar'):
            (self.programs / name).symlink_to(shutil.which(name))
        with mock.patch.dict(os.environ, PATH=str(self.programs)):
            self.assert_package_kept('xz is not installed')

    def test_a_killed_program_is_reported(self):
        self.fill_cache()
        for name, number in (('xz', 'KILL'), ('dpkg-deb', 'TERM')):
            self.write_program(name, f'#!/bin/sh\nkill -{number} $$\n')
            self.assert_package_kept(f'{name} was killed by SIG{number}')
            (self.programs / name).unlink()

    def test_a_full_disk_is_reported(self):
        self.fill_cache()
        self.write_program('tar', '#!/bin/sh\ncase $1 in\n-x) echo "tar: big: Cannot write: No space left on '
                           'device" >&2; exit 2 ;;\n*) exec /bin/tar "$@" ;;\nesac\n')
        self.assert_package_kept('tar: big: Cannot write: No space left on device')

    def test_an_interrupt_leaves_no_tree(self):
        self.fill_cache()
        self.write_program('xz', '#!/bin/sh\nexec sleep 100\n')
        with mock.patch('host.pipeline.Progress.tick', side_effect=KeyboardInterrupt), \
             self.assertRaises(KeyboardInterrupt):
            self.unpack()
        (self.programs / 'xz').unlink()
        self.assertEqual(os.listdir(self.output), ['linux-7.3.unpack.log'])
        self.unpack()
        self.assertTrue((self.tree / 'big').exists())

    def test_a_damaged_package_without_a_checksum_is_kept(self):
        self.fill_cache()
        self.damage('linux-source-7.3')
        next(self.store.glob('*.sha256')).unlink()
        with contextlib.redirect_stderr(io.StringIO()) as messages, self.assertRaises(UserError):
            source.packaged_tree('7.3')
        self.assertRegex(messages.getvalue(), 'may be damaged; remove it to download it again')
        self.assertEqual(len(list(self.store.glob('*.deb'))), 1)

    def test_a_second_run_waits_and_prints_a_message(self):
        self.fill_cache()
        messages = io.StringIO()
        with contextlib.redirect_stderr(messages):
            with lock.held(self.store / '.lock'):
                thread = threading.Thread(target=source.packaged_tree, args=('7.3',))
                thread.start()
                deadline = time.monotonic() + 10
                while 'waiting for' not in messages.getvalue() and time.monotonic() < deadline:
                    time.sleep(0.01)
                self.assertFalse(self.tree.exists())
            thread.join()
        self.assertIn('waiting for', messages.getvalue())
        self.assertTrue(self.tree.exists())

    def test_an_unavailable_version_is_reported(self):
        with self.assertRaisesRegex(UserError, 'no kernel source linux-source-7.4; it has:\n  linux-source-7.3'):
            source.packaged_tree('7.4')
        self.assertEqual(os.listdir(self.output), [])

    def test_another_system_requires_a_tree_of_the_user(self):
        archive.OS_RELEASE.write_text('ID=fedora\nPRETTY_NAME="Fedora Linux 45"\n')
        with self.assertRaisesRegex(UserError, 'this is Fedora Linux 45: name a kernel tree with KDIR='):
            self.unpack()
        archive.OS_RELEASE.unlink()
        with self.assertRaisesRegex(UserError, 'another system: name a kernel tree'):
            self.unpack()
        self.assertEqual(self.calls(''), 0)


class PipelineTest(unittest.TestCase):
    """Test pipelines of programs, and the messages about failures."""

    def run_shell(self, *scripts):
        with tempfile.TemporaryDirectory() as scratch:
            run_pipeline([['sh', '-c', script] for script in scripts], Path(scratch) / 'log', 'work')
            return (Path(scratch) / 'log').read_text().splitlines()[1:]

    def test_each_program_reads_the_output_of_the_one_before(self):
        self.assertEqual(self.run_shell('echo a', 'sed s/a/b/', 'cat'), ['b'])

    def test_a_broken_pipe_is_not_the_cause(self):
        with self.assertRaisesRegex(UserError, 'work failed: cannot go on; log: '):
            self.run_shell('yes; echo "yes: Broken pipe" >&2; exit 1', 'echo "cannot go on" >&2; exit 3')

    def test_a_failure_without_a_message_is_reported(self):
        with self.assertRaisesRegex(UserError, 'sh ended with 3'):
            self.run_shell('true', 'exit 3', 'cat')

    def test_no_program_remains_after_a_failure(self):
        started = []
        real = subprocess.Popen
        with mock.patch('host.process.subprocess.Popen', side_effect=lambda *a, **k: started.append(
                real(*a, **k)) or started[-1]), self.assertRaises(UserError):
            with tempfile.TemporaryDirectory() as scratch:
                run_pipeline([['sleep', '100'], ['no such program']], Path(scratch) / 'log', 'work')
        self.assertEqual(started[0].poll(), -signal.SIGTERM)


if __name__ == '__main__':
    unittest.main()
