# SPDX-License-Identifier: GPL-2.0-only
"""Test that no process outlives a run, whichever of its processes is killed, by whatever signal."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from host.paths import WORKBENCH
from processes import is_alive

# A run like that of kunit.py: the child has a child, the kernel, in another session,
# and the scratch directory contains files.
RUN = '''
import os, sys, tempfile, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from host import guard, process
work, scratch = sys.argv[2], Path(sys.argv[3])

def job():
    try:
        guard.accept_signals()
        (Path(tempfile.mkdtemp()) / 'file').touch()
        script = 'setsid sh -c "echo \\\\$\\\\$ >$0.kernel; exec sleep 60" & echo $$ >$0.kunit; sleep 60; :'
        if work == 'end':
            script = 'setsid sleep 60 & echo $! >$0.kernel'
        child = process.start(['sh', '-c', script, str(scratch.with_name('pid'))])
        scratch.with_name('pid.worker').write_text(str(os.getpid()))
        scratch.with_name('pid.guardian').write_text(str(os.getppid()))
        child.wait()
        if work == 'end':
            return 7
        raise SystemError
    except KeyboardInterrupt:
        scratch.with_name('interrupted').touch()
        return 130

os.mkdir(scratch)
sys.exit(guard.run(job, scratch))
'''

# Seconds in which all processes of a run have to end.
TIMEOUT = 30


class GuardTest(unittest.TestCase):
    """Test the end of a run after each of its processes is killed."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.scratch = self.directory / 'scratch'
        self.pids = {}

    def pid(self, name):
        return int((self.directory / f'pid.{name}').read_text(encoding='utf-8'))

    def wait_until(self, condition, message):
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            self.assertLess(time.monotonic(), deadline, message)
            time.sleep(0.02)

    def start(self, work='wait'):
        """Start a run in a new process group; return when all of its processes run."""
        child = subprocess.Popen([sys.executable, '-c', RUN, WORKBENCH, work, self.scratch],
                                 process_group=0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.clean_up, child)
        names = ['worker', 'guardian', 'kernel', *(['kunit'] if work == 'wait' else [])]
        for name in names:
            path = self.directory / f'pid.{name}'
            self.wait_until(lambda path=path: path.exists() and path.read_text(encoding='utf-8').strip(), name)
        self.pids = {name: self.pid(name) for name in names}
        return child

    def is_own(self, pid):
        """Return whether a process belongs to this case; the kernel reuses PIDs."""
        with contextlib.suppress(OSError):
            words = Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')
            return any(os.fsencode(self.directory) in word for word in words) or words[:2] == [b'sleep', b'60']
        return False

    def clean_up(self, child):
        for pid in filter(self.is_own, (*self.pids.values(), child.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.wait()

    def assert_nothing_is_left(self, child):
        child.wait(TIMEOUT)
        for name, pid in self.pids.items():
            self.wait_until(lambda pid=pid: not is_alive(pid), f'the {name} is alive')
        self.wait_until(lambda: not self.scratch.exists(), 'the scratch directory exists')

    def test_the_exit_status_is_that_of_the_work(self):
        child = self.start('end')
        self.assert_nothing_is_left(child)
        self.assertEqual(child.returncode, 7)

    def test_the_worker_is_killed(self):
        child = self.start()
        os.kill(self.pids['worker'], signal.SIGKILL)
        self.assert_nothing_is_left(child)
        self.assertEqual(child.returncode, 128 + signal.SIGKILL)

    def test_the_first_process_is_killed(self):
        child = self.start()
        child.kill()
        self.assert_nothing_is_left(child)

    def test_the_guardian_is_killed(self):
        child = self.start()
        os.kill(self.pids['guardian'], signal.SIGKILL)
        self.assert_nothing_is_left(child)

    def test_the_process_group_is_killed_as_by_timeout(self):
        child = self.start()
        os.killpg(child.pid, signal.SIGKILL)
        self.assert_nothing_is_left(child)

    def test_signals_interrupt_the_work(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                child = self.start()
                child.send_signal(number)
                self.assert_nothing_is_left(child)
                self.assertEqual(child.returncode, 130)
                self.assertTrue((self.directory / 'interrupted').exists())
                for path in self.directory.iterdir():
                    path.unlink()

    def test_a_signal_to_the_group_ends_the_work(self):
        # The worker gets it once or twice: from the sender and from the guardian.
        child = self.start()
        os.killpg(child.pid, signal.SIGINT)
        self.assert_nothing_is_left(child)
        self.assertEqual(child.returncode, 130)

    def test_the_worker_is_in_the_process_group_of_the_terminal(self):
        child = self.start()
        self.assertEqual(os.getpgid(self.pids['worker']), child.pid)
        self.assertNotEqual(os.getpgid(self.pids['guardian']), child.pid)
        child.terminate()
        self.assert_nothing_is_left(child)


if __name__ == '__main__':
    unittest.main()
