# SPDX-License-Identifier: GPL-2.0-only
"""How many guests of QEMU there is memory for, and what runs them."""

import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from machine import qemu


class RoomTest(unittest.TestCase):
    """What is available decides, but one guest is always tried."""

    def room(self, guests, available):
        with tempfile.TemporaryDirectory() as directory:
            meminfo = Path(directory) / 'meminfo'
            meminfo.write_text(f'MemTotal: 99999999 kB\nMemAvailable: {available << 10} kB\n', encoding='utf-8')
            with mock.patch.object(qemu, '_MEMINFO', meminfo):
                return qemu.X86_64.room(guests)

    def test_all_where_there_is_enough(self):
        self.assertEqual(self.room(3, 4000), (3, {}))

    def test_fewer_where_there_is_not(self):
        self.assertEqual(self.room(3, 2500), (2, {}))

    def test_one_at_least(self):
        self.assertEqual(self.room(3, 100), (1, {}))


class CommandTest(unittest.TestCase):
    """The command line of QEMU."""

    def command(self, **options):
        kernel = SimpleNamespace(image=Path('/out/bzImage'))
        return qemu.X86_64.command(kernel, [Path('/run'), Path('/a,b')], 5, **options)

    def test_with_kvm_there_is_no_other_accelerator(self):
        for kvm, accelerator in ((True, 'kvm'), (False, 'tcg')):
            command = self.command(kvm=kvm)
            self.assertEqual([after for word, after in zip(command, command[1:]) if word == '-accel'], [accelerator])

    def test_a_comma_in_a_path_is_part_of_the_path(self):
        self.assertIn('local,id=fs2,path=/a,,b,security_model=none,multidevs=remap', self.command())

    def test_the_root_of_the_host_is_read_only(self):
        shared = [word for word in self.command() if word.startswith('local,')]
        self.assertEqual([word.endswith('readonly=on') for word in shared], [True, False, False])

    def test_the_serial_line_is_the_terminal_where_there_is_one(self):
        self.assertIn('stdio,id=line,signal=off', self.command(is_on_terminal=True))
        self.assertIn('file,id=line,path=/proc/self/fd/5', self.command())


if __name__ == '__main__':
    unittest.main()
