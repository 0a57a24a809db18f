# SPDX-License-Identifier: GPL-2.0-only
"""Test that the fragments of the kernel configuration say who requires each setting."""

import re
import unittest

from host.paths import WORKBENCH
from machine.foreign import FOREIGN
from machine.machines import MACHINES

FRAGMENTS = WORKBENCH / 'kernel/config'


class FragmentsTest(unittest.TestCase):
    """Test the groups of settings: lines without an empty line between them."""

    def test_each_group_of_settings_has_a_comment_that_says_who_requires_it(self):
        for path in FRAGMENTS.glob('*.config'):
            head, *groups = path.read_text(encoding='utf-8').strip().split('\n\n')
            self.assertTrue(head.startswith('# '), path)
            # The head explains the first group.
            for group in groups if head.count('CONFIG_') else [f'{head}\n{groups[0]}', *groups[1:]]:
                with self.subTest(path.name, group=group[:60]):
                    first = group.splitlines()[0]
                    self.assertRegex(first, '^# ')
                    self.assertNotRegex(first, '^# CONFIG_')

    def test_no_setting_occurs_twice_in_a_fragment(self):
        for path in FRAGMENTS.glob('*.config'):
            names = re.findall(r'^(?:# )?(CONFIG_\w+)(?:=| is not set)', path.read_text(encoding='utf-8'), re.M)
            with self.subTest(path.name):
                self.assertEqual(sorted(names), sorted(set(names)))

    def test_each_fragment_belongs_to_a_machine(self):
        used = {name for machine in (*MACHINES.values(), *FOREIGN.values())
                for names in machine.fragments.values() for name in names}
        self.assertEqual({path.stem for path in FRAGMENTS.glob('*.config')}, used)


if __name__ == '__main__':
    unittest.main()
