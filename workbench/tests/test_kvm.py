# SPDX-License-Identifier: GPL-2.0-only
"""Whether KVM is used: what a boot has shown, and for how long that holds."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from machine import kvm


class KvmTest(unittest.TestCase):
    """The memory of whether KVM works, and what is asked when it has none."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.memory = Path(directory.name) / 'cache/kvm'
        self.circumstances = 'boot QEMU 1: x\n'
        self.said = []
        for name, value in (('say', self.said.append), ('_circumstances', lambda: self.circumstances)):
            patch = mock.patch.object(kvm, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def works(self, failure='', device='/dev/null'):
        """The answer, and how often a boot was tried for it."""
        boot = mock.Mock(return_value=failure)
        return kvm.works(boot, device, self.memory), boot.call_count

    def test_a_boot_that_worked_is_the_answer(self):
        self.assertEqual(self.works(), (True, 1))
        self.assertEqual(self.said, [])

    def test_a_boot_that_did_not_is_the_answer_and_is_printed(self):
        self.assertEqual(self.works('the kernel panicked'), (False, 1))
        self.assertEqual(len(self.said), 1)
        self.assertIn('the kernel panicked', self.said[0])

    def test_a_success_is_remembered(self):
        self.works()
        self.assertEqual(self.works('no'), (True, 0))

    def test_a_failure_is_not_remembered(self):
        self.works('a busy host')
        self.assertFalse(self.memory.exists())
        self.assertEqual(self.works(), (True, 1))

    def test_another_machine_or_qemu_is_asked_anew(self):
        self.works()
        self.circumstances = 'boot QEMU 2: x\n'
        self.assertEqual(self.works('no'), (False, 1))

    def test_a_damaged_memory_is_no_answer(self):
        self.works()
        for damaged in (b'', b'\xff', b'boot QEMU 1: x: runs no guest\n'):
            with self.subTest(damaged):
                self.memory.write_bytes(damaged)
                self.assertEqual(self.works('no'), (False, 1))

    def test_without_a_device_nothing_is_tried(self):
        self.assertEqual(self.works(device='/nonexistent'), (False, 0))


if __name__ == '__main__':
    unittest.main()
