# SPDX-License-Identifier: GPL-2.0-only
"""Test the directory for the memory of um kernels, the number that fits, and the delay loop."""

import os
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from machine import um


def free(mebibytes, flags=0):
    """Return the state of a file system with free space in MiB."""
    return SimpleNamespace(f_flag=flags, f_bavail=mebibytes << 8, f_frsize=4096)


LARGE, SMALL, NOEXEC = free(4096), free(64), free(4096, os.ST_NOEXEC)


class CapacityTest(unittest.TestCase):
    """Test the choice of a directory by the state of its file system."""

    def capacity(self, guests=1, tmpdir=None, **file_systems):
        """Return the number of guests and the directory; file_systems: for /dev/shm, /tmp and build/."""
        states = {'/own': tmpdir, '/dev/shm': file_systems['shm'], '/tmp': file_systems['tmp'],
                  '/build': file_systems['build']}
        with (mock.patch.dict('os.environ', {'TMPDIR': '/own'} if tmpdir else {}),
              mock.patch.object(um.os, 'access', return_value=True),
              mock.patch.object(um.os, 'statvfs', side_effect=states.get),
              mock.patch.object(um.tempfile, 'gettempdir', return_value='/tmp'),
              mock.patch.object(um, 'build_root', return_value='/build')):
            if not tmpdir:
                os.environ.pop('TMPDIR', None)
            count, options = um.UM.capacity(guests)
            return count, options['memory']

    def test_shared_memory_is_used_if_it_is_large_enough(self):
        self.assertEqual(self.capacity(shm=LARGE, tmp=LARGE, build=LARGE), (1, '/dev/shm'))
        self.assertEqual(self.capacity(8, shm=LARGE, tmp=LARGE, build=LARGE), (8, '/dev/shm'))

    def test_tmpdir_has_precedence(self):
        self.assertEqual(self.capacity(tmpdir=LARGE, shm=LARGE, tmp=LARGE, build=LARGE), (1, '/own'))

    def test_unusable_shared_memory_is_not_used(self):
        for shm in (SMALL, NOEXEC):
            with self.subTest(shm):
                self.assertEqual(self.capacity(shm=shm, tmp=LARGE, build=LARGE), (1, '/tmp'))

    def test_the_build_directory_is_used_if_nothing_else_fits(self):
        self.assertEqual(self.capacity(tmpdir=SMALL, shm=SMALL, tmp=NOEXEC, build=LARGE), (1, '/build'))

    def test_a_directory_for_all_guests_has_precedence(self):
        self.assertEqual(self.capacity(5, shm=free(600), tmp=LARGE, build=LARGE), (5, '/tmp'))

    def test_fewer_guests_fit_into_small_directories(self):
        self.assertEqual(self.capacity(5, shm=free(600), tmp=SMALL, build=SMALL), (1, '/dev/shm'))
        self.assertEqual(self.capacity(5, shm=free(600), tmp=free(1600), build=SMALL), (3, '/tmp'))

    def test_fewer_guests_fit_into_a_small_tmpdir(self):
        self.assertEqual(self.capacity(5, tmpdir=free(1100), shm=LARGE, tmp=LARGE, build=LARGE), (2, '/own'))

    def test_the_error_names_the_problem_of_each_directory(self):
        with self.assertRaisesRegex(um.UserError,
                                    '/dev/shm has 64 MiB free, /tmp is mounted noexec.*TMPDIR'):
            self.capacity(5, shm=SMALL, tmp=NOEXEC, build=SMALL)

    def test_the_kernel_gets_the_directory_in_tmpdir(self):
        kernel = SimpleNamespace(image=Path('/linux'), variant='', out=Path('/nonexistent'))
        with mock.patch.object(um, 'start') as start, mock.patch.object(um, '_library', return_value='/library'):
            um.UM.boot(kernel, ['/run'], 5, memory='/elsewhere')
        self.assertEqual(start.call_args.kwargs['env']['TMPDIR'], '/elsewhere')
        self.assertEqual(start.call_args.kwargs['env']['LD_PRELOAD'], '/library')


class DelayTest(unittest.TestCase):
    """Test that a later boot uses the length of the delay loop that an earlier one has measured."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        out = Path(directory.name)
        self.kernel = SimpleNamespace(out=out, image=out / 'linux', variant='')
        self.kernel.image.touch()
        self.log = out / 'boot.log'

    def boot(self, line):
        self.log.write_text(f'[    0.000000] {line}\n', encoding='ascii')
        um.UM.save_measurements(self.kernel, self.log)

    def options(self):
        with mock.patch.object(um, 'start') as start, mock.patch.object(um, '_library'):
            um.UM.boot(self.kernel, ['/run'], 5, memory='/elsewhere')
        return [option for option in start.call_args.args[0] if option.startswith('lpj=')]

    def test_the_first_boot_measures(self):
        self.assertEqual(self.options(), [])

    def test_the_largest_result_is_used(self):
        for length in (15000000, 15278080, 8364032):
            self.boot(f'Calibrating delay loop... 3055.61 BogoMIPS (lpj={length})')
        self.assertEqual(self.options(), ['lpj=15278080'])

    def test_a_given_length_is_no_result(self):
        self.boot('Calibrating delay loop (skipped) preset value.. 3055.61 BogoMIPS (lpj=15278080)')
        self.assertEqual(self.options(), [])

    def test_a_new_kernel_measures_again(self):
        self.boot('Calibrating delay loop... 3055.61 BogoMIPS (lpj=15278080)')
        os.utime(self.kernel.out / 'loops_per_jiffy', (1, 1))
        self.assertEqual(self.options(), [])
        self.boot('Calibrating delay loop... 3055.61 BogoMIPS (lpj=8364032)')
        self.assertEqual(self.options(), ['lpj=8364032'])

    def test_nothing_else_is_left_behind(self):
        self.boot('Calibrating delay loop... 3055.61 BogoMIPS (lpj=15278080)')
        self.assertEqual(sorted(path.name for path in self.kernel.out.iterdir()),
                         ['boot.log', 'linux', 'loops_per_jiffy'])


if __name__ == '__main__':
    unittest.main()
