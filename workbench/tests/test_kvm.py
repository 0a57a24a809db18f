# SPDX-License-Identifier: GPL-2.0-only
"""Test whether KVM is used: the result of a boot, and its record."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from machine import kvm


class KvmTest(unittest.TestCase):
    """Test is_usable() with and without a record of a success."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.record = Path(directory.name) / 'cache/kvm'
        self.system = 'boot QEMU 1: x\n'
        self.messages = []
        for name, value in (('say', self.messages.append), ('_system', lambda: self.system)):
            patch = mock.patch.object(kvm, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def is_usable(self, failure='', device='/dev/null'):
        """Return the result, and the number of boots; failure: the result of a boot."""
        boot = mock.Mock(return_value=failure)
        return kvm.is_usable(boot, device, self.record), boot.call_count

    def test_kvm_is_usable_after_a_successful_boot(self):
        self.assertEqual(self.is_usable(), (True, 1))
        self.assertEqual(self.messages, [])

    def test_a_failed_boot_is_reported(self):
        self.assertEqual(self.is_usable('the kernel panicked'), (False, 1))
        self.assertEqual(len(self.messages), 1)
        self.assertIn('the kernel panicked', self.messages[0])

    def test_a_success_is_recorded(self):
        self.is_usable()
        self.assertEqual(self.is_usable('no'), (True, 0))

    def test_a_failure_is_not_recorded(self):
        self.is_usable('a busy host')
        self.assertFalse(self.record.exists())
        self.assertEqual(self.is_usable(), (True, 1))

    def test_a_boot_is_tried_again_on_another_system(self):
        self.is_usable()
        self.system = 'boot QEMU 2: x\n'
        self.assertEqual(self.is_usable('no'), (False, 1))

    def test_a_damaged_record_is_ignored(self):
        self.is_usable()
        for damaged in (b'', b'\xff', b'boot QEMU 1: x: runs no guest\n'):
            with self.subTest(damaged):
                self.record.write_bytes(damaged)
                self.assertEqual(self.is_usable('no'), (False, 1))

    def test_no_boot_is_tried_without_a_device(self):
        self.assertEqual(self.is_usable(device='/nonexistent'), (False, 0))


if __name__ == '__main__':
    unittest.main()
