# SPDX-License-Identifier: GPL-2.0-only
"""The pages to which the findings of make try refer."""

import unittest
from pathlib import Path

from subject.overlay import load

REPO = Path(__file__).resolve().parents[2]


class PitfallsTest(unittest.TestCase):
    """Each finding has a heading that exists."""

    def test_each_heading_exists(self):
        pitfalls = load(REPO).description.pitfalls
        self.assertGreater(len(pitfalls), 10)
        for kind, place in pitfalls.items():
            page, _, heading = place.partition(', ')
            with self.subTest(kind):
                self.assertIn(f'\n{heading}\n{"=" * len(heading)}\n', (REPO / page).read_text(encoding='utf-8'))


if __name__ == '__main__':
    unittest.main()
