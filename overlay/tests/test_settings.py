# SPDX-License-Identifier: GPL-2.0-only
"""Each setting of the fragments has somebody who requires it, in settings.toml."""

import re
import tomllib
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SELFTESTS = REPO / 'tools/testing/selftests/lkmdemo'
NEEDED_BY = tomllib.loads((REPO / 'overlay/settings.toml').read_text(encoding='utf-8'))

# The tables of settings.toml, and the fragments whose settings they explain.
FRAGMENTS = {'kselftest': (SELFTESTS / 'config', SELFTESTS / 'config.x86_64'),
             'KUnit': (REPO / '.kunitconfig',), 'commands': (REPO / 'overlay/builtin.config',)}


def existing(kind):
    """Return the names that may require a setting: programs, suites or commands."""
    if kind == 'kselftest':
        makefile = (SELFTESTS / 'Makefile').read_text(encoding='utf-8')
        return set(re.findall(r'^TEST_\w*PROGS\w* [:+]= (\S+)$', makefile, re.M))
    if kind == 'KUnit':
        sources = ''.join(path.read_text(encoding='utf-8') for path in (REPO / 'lib/lkmdemo_kunit').glob('*.c'))
        return set(re.findall(r'\.name = "(\w+)"', sources))
    return set(tomllib.loads((REPO / 'overlay.toml').read_text(encoding='utf-8'))['commands'])


class SettingsTest(unittest.TestCase):
    """Compare the table with the fragments, the programs and the suites."""

    def test_each_setting_has_somebody_who_requires_it(self):
        for kind, paths in FRAGMENTS.items():
            text = ''.join(path.read_text(encoding='utf-8') for path in paths)
            with self.subTest(kind):
                self.assertEqual(set(re.findall(r'^CONFIG_(\w+)=', text, re.M)), set(NEEDED_BY[kind]))

    def test_whoever_requires_a_setting_exists(self):
        for kind, settings in NEEDED_BY.items():
            names = existing(kind)
            for setting, users in settings.items():
                with self.subTest(f'{kind} {setting}'):
                    self.assertTrue(users)
                    self.assertLessEqual(set(users), names)


if __name__ == '__main__':
    unittest.main()
