# SPDX-License-Identifier: GPL-2.0-only
"""Test the first process of a guest, as far as no kernel is required."""

import subprocess
import unittest

from host.paths import WORKBENCH

INIT = WORKBENCH / 'machine/init/init'


class InitTest(unittest.TestCase):
    """Test the script for the root of the host; `make check-release` boots it with another Perl."""

    def test_perl_accepts_it_without_a_warning(self):
        result = subprocess.run(['/usr/bin/perl', '-wc', INIT], stderr=subprocess.PIPE, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, f'{INIT} syntax OK\n'))

    def test_the_kernel_can_execute_it(self):
        self.assertTrue(INIT.stat().st_mode & 0o111)
        self.assertEqual(INIT.read_text(encoding='utf-8').splitlines()[0], '#!/usr/bin/perl')


if __name__ == '__main__':
    unittest.main()
