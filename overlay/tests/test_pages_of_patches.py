# SPDX-License-Identifier: GPL-2.0-only
"""The patches and their output on the pages of the pitfalls."""

import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

REPO = Path(__file__).resolve().parents[2]
sys.path.append(str(REPO / 'overlay'))

import pitfalls  # noqa: E402  pylint: disable=wrong-import-position

PATCH = 'Subject: a\nTests: KUnit a.b\n\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-\ta;\n+\tb;\n'
PAGE = 'A mistake\n=========\n\n| ``KUnit a.b``\n| ``overlay/mistakes/one.patch``\n\nAnother\n=======\n'


class PagesTest(unittest.TestCase):
    """Each page shows the present patches and their output."""

    def test_each_page_is_up_to_date(self):
        for page in pitfalls.PAGES.glob('*.rst'):
            with self.subTest(page.name):
                text = page.read_text(encoding='utf-8')
                self.assertEqual(text, pitfalls.with_blocks(text), 'run make pitfalls')


class BlockTest(unittest.TestCase):
    """The block for a patch."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        patch = mock.patch.object(pitfalls, 'MISTAKES', self.directory)
        patch.start()
        self.addCleanup(patch.stop)
        (self.directory / 'one.patch').write_text(PATCH, encoding='utf-8')

    def output(self, text):
        (self.directory / 'one.out').write_text(text, encoding='utf-8')

    def test_patch_without_output_has_no_block(self):
        self.assertEqual(pitfalls.with_blocks(PAGE), PAGE)

    def test_block_shows_the_patch_and_the_output(self):
        self.output('KUnit a.b\n    a.c:7: failed\n')
        text = pitfalls.with_blocks(PAGE)
        self.assertIn('one.patch``\n\n.. The patch one\n\n.. code-block:: diff\n\n   --- a/x.c\n', text)
        self.assertIn('   -\ta;\n   +\tb;\n\n.. code-block:: none\n\n   KUnit a.b\n       a.c:7: failed\n', text)
        self.assertTrue(text.endswith('.. End of the patch\n\nAnother\n=======\n'))

    def test_second_update_changes_nothing(self):
        self.output('KUnit a.b\n')
        text = pitfalls.with_blocks(PAGE)
        self.assertEqual(pitfalls.with_blocks(text), text)

    def test_two_failed_tests_are_shown(self):
        self.output('KUnit a.b\n    1\nKUnit a.c\n    2\nKUnit a.d\n    3\n')
        text = pitfalls.with_blocks(PAGE)
        self.assertIn('       2\n   and 1 more tests\n', text)


if __name__ == '__main__':
    unittest.main()
