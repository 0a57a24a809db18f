# SPDX-License-Identifier: GPL-2.0-only
"""Test commands in root directories, with substitutes for the programs of root."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from machine import chroot

# Prints its arguments, each in a line.
UNSHARE = '''#!/bin/sh
printf '%s\\n' "$@"
exit {status}
'''


class ChrootTest(unittest.TestCase):
    """Test what is started, and its failure."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        patch = mock.patch.dict(os.environ, PATH=f'{self.scratch}:/usr/bin:/bin', http_proxy='http://proxy', SECRET='x')
        patch.start()
        self.addCleanup(patch.stop)

    def run_with(self, status):
        program = self.scratch / 'unshare'
        program.write_text(UNSHARE.format(status=status), encoding='ascii')
        program.chmod(0o755)
        log = self.scratch / 'log'
        chroot.run(Path('/root'), 'apt-get update', log, 'a test', INITRD='No')
        return log.read_text(encoding='utf-8').splitlines()[1:]

    def test_the_name_spaces_end_with_the_command(self):
        arguments = self.run_with(0)
        for word in ('--mount', '--pid', '--kill-child', '--mount-proc=/root/proc', '/root', 'apt-get update'):
            self.assertIn(word, arguments)

    def test_proxies_and_the_given_variables_are_inherited_and_no_others(self):
        arguments = self.run_with(0)
        self.assertIn('http_proxy=http://proxy', arguments)
        self.assertIn('INITRD=No', arguments)
        self.assertEqual([word for word in arguments if 'SECRET' in word], [])

    def test_a_failure_names_the_log(self):
        with self.assertRaisesRegex(UserError, f'a test failed; log: {self.scratch}/log'):
            self.run_with(1)

    def test_a_missing_root_is_removed_without_a_message(self):
        chroot.remove(self.scratch / 'none')

    def test_a_root_is_removed_with_its_content(self):
        root = self.scratch / 'root'
        (root / 'a/b').mkdir(parents=True)
        chroot.remove(root)
        self.assertEqual(sorted(os.listdir(self.scratch)), [])


if __name__ == '__main__':
    unittest.main()
