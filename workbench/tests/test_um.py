# SPDX-License-Identifier: GPL-2.0-only
"""Where the memory of a um kernel can be."""

import os
import unittest
from types import SimpleNamespace
from unittest import mock

import um

ROOM = SimpleNamespace(f_flag=0, f_bavail=1 << 20, f_frsize=4096)
SMALL = SimpleNamespace(f_flag=0, f_bavail=1 << 14, f_frsize=4096)
NOEXEC = SimpleNamespace(f_flag=os.ST_NOEXEC, f_bavail=1 << 20, f_frsize=4096)


class MemoryDirectory(unittest.TestCase):
    def chosen(self, tmpdir=None, **file_systems):
        """Where it is, given what /dev/shm, /tmp and build/ are."""
        known = {'/own': tmpdir, '/dev/shm': file_systems['shm'], '/tmp': file_systems['tmp'],
                 '/build': file_systems['build']}
        with (mock.patch.dict('os.environ', {'TMPDIR': '/own'} if tmpdir else {}),
              mock.patch.object(um.os, 'access', return_value=True),
              mock.patch.object(um.os, 'statvfs', side_effect=known.get),
              mock.patch.object(um.tempfile, 'gettempdir', return_value='/tmp'),
              mock.patch.object(um, 'build_root', return_value='/build')):
            if not tmpdir:
                os.environ.pop('TMPDIR', None)
            return um.memory_directory()

    def test_shared_memory_is_taken_when_there_is_enough(self):
        self.assertEqual(self.chosen(shm=ROOM, tmp=ROOM, build=ROOM), '/dev/shm')

    def test_a_directory_that_is_named_comes_first(self):
        self.assertEqual(self.chosen(tmpdir=ROOM, shm=ROOM, tmp=ROOM, build=ROOM), '/own')

    def test_shared_memory_of_a_container_is_passed_over(self):
        for shm in (SMALL, NOEXEC):
            with self.subTest(shm):
                self.assertEqual(self.chosen(shm=shm, tmp=ROOM, build=ROOM), '/tmp')

    def test_the_build_directory_is_the_last_resort(self):
        self.assertEqual(self.chosen(tmpdir=SMALL, shm=SMALL, tmp=NOEXEC, build=ROOM), '/build')

    def test_nowhere_is_an_error_that_says_why(self):
        with self.assertRaisesRegex(um.UserError,
                                    '/dev/shm has 64 MiB free, /tmp is mounted noexec.*TMPDIR'):
            self.chosen(shm=SMALL, tmp=NOEXEC, build=SMALL)


if __name__ == '__main__':
    unittest.main()
