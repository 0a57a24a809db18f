# SPDX-License-Identifier: GPL-2.0-only
"""The mistakes, and the pages that explain them."""

import re
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
MISTAKES = REPO / 'overlay/mistakes'
PAGES = sorted((REPO / 'Documentation/lkmdemo/pitfalls').glob('*.rst'))


def named(path: Path) -> set[str]:
    """Return the names of the patches in a page."""
    return set(re.findall(r'``overlay/mistakes/([^`]+)``', path.read_text(encoding='utf-8')))


class MistakesTest(unittest.TestCase):
    """Each pitfall has a patch or a reason, and each patch a place where it is named."""

    def test_each_patch_is_named_once_and_exists(self):
        on_pages = {name for page in PAGES for name in named(page)}
        in_list = set(re.findall(r'^- (\S+\.patch)$', (MISTAKES / 'README.md').read_text(encoding='utf-8'), re.M))
        self.assertEqual(on_pages & in_list, set())
        self.assertEqual(on_pages | in_list, {path.name for path in MISTAKES.glob('*.patch')})

    def test_each_pitfall_has_a_patch_or_a_reason(self):
        for page in PAGES:
            _, *sections = re.split(r'^(?=.+\n=+$)', page.read_text(encoding='utf-8'), flags=re.M)
            for section in sections if page.name != 'index.rst' else []:
                # The title of the page has a line above it as well.
                if '\n| ' in section:
                    with self.subTest(page=page.name, heading=section.partition('\n')[0]):
                        self.assertRegex(section, r'\n\| (``overlay/mistakes/\S+\.patch``|no patch: \S)')

    def test_there_are_ten_quick_ones(self):
        quick = [path for path in MISTAKES.glob('*.patch') if '\nQuick: yes\n' in path.read_text(encoding='utf-8')]
        self.assertEqual(len(quick), 10)


if __name__ == '__main__':
    unittest.main()
