# SPDX-License-Identifier: GPL-2.0-only
"""Test the choice of the programs of QEMU."""

import unittest
from unittest import mock

from kernel import archive, unpacked
from machine import emulator


class PathTest(unittest.TestCase):
    """Test the path of a program."""

    def path(self, program: str, release: str) -> str:
        def directory(name, _fill):
            return unpacked.HOME / name

        with mock.patch.object(archive, 'is_debian', return_value=bool(release)), \
                mock.patch.object(archive, 'codename', return_value=release), \
                mock.patch.object(unpacked, 'directory', directory):
            return emulator.path(program)

    def test_the_system_has_most_programs(self):
        for program, release in (('qemu-system-x86_64', 'bookworm'), ('qemu-system-s390x', 'trixie'),
                                 ('qemu-system-s390x', '')):
            self.assertEqual(self.path(program, release), program)

    def test_a_program_with_a_defect_comes_from_the_backports(self):
        self.assertEqual(self.path('qemu-system-s390x', 'bookworm'),
                         f'{unpacked.HOME}/qemu-system-s390x-bookworm/qemu-system-s390x')


if __name__ == '__main__':
    unittest.main()
