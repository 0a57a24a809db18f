# SPDX-License-Identifier: GPL-2.0-only
"""How many guests of QEMU there is memory for, and what runs them."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from machine import x86_64


class RoomTest(unittest.TestCase):
    """What is available decides, but one guest is always tried."""

    def room(self, guests, available):
        with tempfile.TemporaryDirectory() as directory:
            meminfo = Path(directory) / 'meminfo'
            meminfo.write_text(f'MemTotal: 99999999 kB\nMemAvailable: {available << 10} kB\n', encoding='utf-8')
            with mock.patch.object(x86_64, '_MEMINFO', meminfo):
                return x86_64.room(guests)

    def test_all_where_there_is_enough(self):
        self.assertEqual(self.room(3, 4000), (3, {}))

    def test_fewer_where_there_is_not(self):
        self.assertEqual(self.room(3, 2500), (2, {}))

    def test_one_at_least(self):
        self.assertEqual(self.room(3, 100), (1, {}))


class KvmTest(unittest.TestCase):
    """QEMU never interprets a guest that is to run under KVM."""

    def test_no_other_accelerator_is_left(self):
        self.assertEqual(x86_64.with_kvm_alone(['qemu', '-machine', 'accel=kvm:tcg', '-m', '1G']),
                         ['qemu', '-machine', 'accel=kvm', '-m', '1G'])
        self.assertEqual(x86_64.with_kvm_alone(['qemu', '-m', '1G']), ['qemu', '-m', '1G', '-accel', 'kvm'])


if __name__ == '__main__':
    unittest.main()
