# SPDX-License-Identifier: GPL-2.0-only
"""Whether KVM is used: what a boot has shown, and for how long that holds."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import kvm


class KvmTest(unittest.TestCase):
    """The memory of whether KVM works, and what is asked when it has none."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.memory = Path(directory.name) / 'cache/kvm'
        self.circumstances = 'boot QEMU 1: x'
        for name, value in (('say', None), ('_circumstances', lambda: self.circumstances)):
            patch = mock.patch.object(kvm, name, value or mock.DEFAULT)
            patch.start()
            self.addCleanup(patch.stop)

    def works(self, boots, device='/dev/null'):
        """The answer, and how often a boot was tried for it."""
        boot = mock.Mock(return_value=boots)
        return kvm.works(boot, device, self.memory), boot.call_count

    def test_a_boot_that_worked_is_the_answer(self):
        self.assertEqual(self.works(True), (True, 1))

    def test_a_boot_that_did_not_is_the_answer(self):
        self.assertEqual(self.works(False), (False, 1))

    def test_the_answer_is_remembered(self):
        for boots in (True, False):
            with self.subTest(boots):
                self.memory.unlink(missing_ok=True)
                self.works(boots)
                self.assertEqual(self.works(not boots), (boots, 0))

    def test_another_machine_or_qemu_is_asked_anew(self):
        self.works(True)
        self.circumstances = 'boot QEMU 2: x'
        self.assertEqual(self.works(False), (False, 1))

    def test_a_damaged_memory_is_no_answer(self):
        self.works(True)
        self.memory.write_text('boot QEMU 1: x: perhaps\n', encoding='utf-8')
        self.assertEqual(self.works(False), (False, 1))

    def test_without_a_device_nothing_is_tried(self):
        self.assertEqual(self.works(True, '/nonexistent'), (False, 0))


if __name__ == '__main__':
    unittest.main()
