# SPDX-License-Identifier: GPL-2.0-only
"""Test the capacity of the x86_64 machine, and the command line of QEMU."""

import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from machine import qemu


class CapacityTest(unittest.TestCase):
    """Test the number of guests for an amount of available memory, in MiB."""

    def capacity(self, guests, available):
        with tempfile.TemporaryDirectory() as directory:
            meminfo = Path(directory) / 'meminfo'
            meminfo.write_text(f'MemTotal: 99999999 kB\nMemAvailable: {available << 10} kB\n', encoding='utf-8')
            with mock.patch.object(qemu, '_MEMINFO', meminfo):
                return qemu.X86_64.capacity(guests)

    def test_all_guests_fit_into_sufficient_memory(self):
        self.assertEqual(self.capacity(3, 4000), (3, {}))

    def test_fewer_guests_fit_into_less_memory(self):
        self.assertEqual(self.capacity(3, 2500), (2, {}))

    def test_the_capacity_is_at_least_one(self):
        self.assertEqual(self.capacity(3, 100), (1, {}))


class CommandTest(unittest.TestCase):
    """Test the command line of QEMU."""

    def command(self, **options):
        kernel = SimpleNamespace(image=Path('/out/bzImage'))
        return qemu.X86_64.command(kernel, [Path('/run'), Path('/a,b')], 5, **options)

    def test_qemu_gets_a_single_accelerator(self):
        for kvm, accelerator in ((True, 'kvm'), (False, 'tcg')):
            command = self.command(kvm=kvm)
            self.assertEqual([value for word, value in zip(command, command[1:]) if word == '-accel'], [accelerator])

    def test_a_comma_in_a_path_is_doubled(self):
        self.assertIn('local,id=fs2,path=/a,,b,security_model=none,multidevs=remap', self.command())

    def test_the_root_of_the_host_is_read_only(self):
        shared = [word for word in self.command() if word.startswith('local,')]
        self.assertEqual([word.endswith('readonly=on') for word in shared], [True, False, False])

    def test_the_serial_line_is_the_terminal_if_there_is_one(self):
        self.assertIn('stdio,id=line,signal=off', self.command(is_on_terminal=True))
        self.assertIn('file,id=line,path=/proc/self/fd/5', self.command())


if __name__ == '__main__':
    unittest.main()
