# SPDX-License-Identifier: GPL-2.0-only
"""What a command has to itself while it runs."""

import fcntl
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from paths import WORKBENCH, build_root


class LockTest(unittest.TestCase):
    """Each case grafts into a tree, which has too little in it for that to succeed."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.tree = Path(directory.name)
        (self.tree / 'drivers/misc').mkdir(parents=True)
        for name in ('Kbuild', 'Kconfig', 'MAINTAINERS', 'drivers/misc/Kconfig', 'kernel', 'Makefile'):
            (self.tree / name).touch()

    def graft_while_locked(self, path, flags):
        """Graft while something has a lock; return what it prints within some seconds."""
        lock = os.open(path, flags)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen([sys.executable, '-B', WORKBENCH, 'graft'], stderr=subprocess.PIPE,
                              env={**os.environ, 'KDIR': str(self.tree)}) as process:
            line = process.stderr.readline().decode()
            process.terminate()
            process.stderr.read()
        return line

    def test_graft_waits_for_no_run_in_the_clone(self):
        line = self.graft_while_locked(build_root() / '.lock', os.O_WRONLY | os.O_CREAT)
        self.assertNotIn('waiting', line)

    def test_graft_waits_for_another_into_the_same_tree(self):
        line = self.graft_while_locked(self.tree, os.O_RDONLY)
        self.assertIn('waiting', line)


if __name__ == '__main__':
    unittest.main()
