# SPDX-License-Identifier: GPL-2.0-only
"""Where the memory of um kernels can be, and how many of them there is room for."""

import os
import unittest
from types import SimpleNamespace
from unittest import mock

from machine import um


def free(mebibytes, flags=0):
    """A file system with so much free."""
    return SimpleNamespace(f_flag=flags, f_bavail=mebibytes << 8, f_frsize=4096)


ROOM, SMALL, NOEXEC = free(4096), free(64), free(4096, os.ST_NOEXEC)


class RoomTest(unittest.TestCase):
    """What is chosen, given what the directories have."""

    def room(self, guests=1, tmpdir=None, **file_systems):
        """For how many there is room where, given what /dev/shm, /tmp and build/ are."""
        known = {'/own': tmpdir, '/dev/shm': file_systems['shm'], '/tmp': file_systems['tmp'],
                 '/build': file_systems['build']}
        with (mock.patch.dict('os.environ', {'TMPDIR': '/own'} if tmpdir else {}),
              mock.patch.object(um.os, 'access', return_value=True),
              mock.patch.object(um.os, 'statvfs', side_effect=known.get),
              mock.patch.object(um.tempfile, 'gettempdir', return_value='/tmp'),
              mock.patch.object(um, 'build_root', return_value='/build')):
            if not tmpdir:
                os.environ.pop('TMPDIR', None)
            count, options = um.UM.room(guests)
            return count, options['memory']

    def test_shared_memory_is_taken_when_there_is_enough(self):
        self.assertEqual(self.room(shm=ROOM, tmp=ROOM, build=ROOM), (1, '/dev/shm'))
        self.assertEqual(self.room(8, shm=ROOM, tmp=ROOM, build=ROOM), (8, '/dev/shm'))

    def test_a_directory_that_is_named_comes_first(self):
        self.assertEqual(self.room(tmpdir=ROOM, shm=ROOM, tmp=ROOM, build=ROOM), (1, '/own'))

    def test_shared_memory_of_a_container_is_passed_over(self):
        for shm in (SMALL, NOEXEC):
            with self.subTest(shm):
                self.assertEqual(self.room(shm=shm, tmp=ROOM, build=ROOM), (1, '/tmp'))

    def test_the_build_directory_is_the_last_resort(self):
        self.assertEqual(self.room(tmpdir=SMALL, shm=SMALL, tmp=NOEXEC, build=ROOM), (1, '/build'))

    def test_room_is_asked_for_all_guests(self):
        self.assertEqual(self.room(5, shm=free(600), tmp=ROOM, build=ROOM), (5, '/tmp'))

    def test_there_are_fewer_guests_where_there_is_no_room_for_all(self):
        self.assertEqual(self.room(5, shm=free(600), tmp=SMALL, build=SMALL), (1, '/dev/shm'))
        self.assertEqual(self.room(5, shm=free(600), tmp=free(1600), build=SMALL), (3, '/tmp'))

    def test_there_are_fewer_guests_in_a_directory_that_is_named(self):
        self.assertEqual(self.room(5, tmpdir=free(1100), shm=ROOM, tmp=ROOM, build=ROOM), (2, '/own'))

    def test_nowhere_is_an_error_that_says_why(self):
        with self.assertRaisesRegex(um.UserError,
                                    '/dev/shm has 64 MiB free, /tmp is mounted noexec.*TMPDIR'):
            self.room(5, shm=SMALL, tmp=NOEXEC, build=SMALL)

    def test_the_directory_is_that_of_the_kernel(self):
        with mock.patch.object(um, 'start') as start:
            um.UM.boot(SimpleNamespace(image='/linux'), ['/run'], 5, memory='/elsewhere')
        self.assertEqual(start.call_args.kwargs['env']['TMPDIR'], '/elsewhere')


if __name__ == '__main__':
    unittest.main()
