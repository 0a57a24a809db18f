# SPDX-License-Identifier: GPL-2.0-only
"""Test the gate that holds back a guest, with a shell script as the kernel."""

import io
import os
import select
import tempfile
import threading
import types
import unittest
from pathlib import Path

from machine import guest
from machine.gate import Gate
from test_guest import SUBJECT, Machine

# A guest that boots, waits at its gate and runs its command.
SCRIPT = (f'echo "{guest.USER_SPACE}"; : >$run/ready; read -r line <&$gate; '
          'sh $run/command 8<&8 >$run/out; echo $? >$run/status')


class GatedMachine(Machine):
    """A machine whose script gets the descriptor of the gate as $gate."""

    def boot(self, kernel, shared, log, tty=None, gate=-1, **options):
        script, self.script = self.script, f'exec 8</proc/{os.getpid()}/fd/{gate}; gate=8; {self.script}'
        try:
            return super().boot(kernel, shared, log, tty, **options)
        finally:
            self.script = script


class GateTest(unittest.TestCase):
    """Test when the guest gets its command."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.gate = Gate()
        self.addCleanup(self.gate.close)
        self.out = io.BytesIO()
        self.kernel = types.SimpleNamespace(target=GatedMachine(script=SCRIPT), debug=False, modules=self.directory,
                                            subject=SUBJECT)

    def run_guest(self, **options):
        return guest.run(self.kernel, '', self.directory / 'log', out=self.out, err=io.BytesIO(), gate=self.gate,
                         **options)

    def test_the_command_may_be_known_before_the_guest_boots(self):
        self.gate.open('echo early')
        self.assertEqual(self.run_guest(), 0)
        self.assertEqual(self.out.getvalue(), b'early\n')

    def test_the_guest_waits_for_its_command_without_a_limit(self):
        timer = threading.Timer(1.5, lambda: self.gate.open('echo late; exit 3'))
        timer.start()
        self.assertEqual(self.run_guest(timeout=1), 3)
        self.assertEqual(self.out.getvalue(), b'late\n')

    def test_the_limit_begins_when_the_gate_opens(self):
        threading.Timer(0.5, lambda: self.gate.open('sleep 60')).start()
        self.kernel.debug = True
        self.assertEqual(self.run_guest(timeout=1), guest.TIMED_OUT)

    def test_a_guest_that_waits_can_be_stopped(self):
        self.assertEqual(self.run_guest(should_stop=lambda: True), guest.STOPPED)

    def test_the_command_reads_further_lines(self):
        self.gate.send('one')
        self.gate.open('read -r a <&8; read -r b <&8; echo $a $b')
        self.gate.send('two')
        self.assertEqual(self.run_guest(), 0)
        self.assertEqual(self.out.getvalue(), b'one two\n')

    def test_nothing_is_sent_before_the_guest_waits(self):
        self.gate.open('echo early')
        self.assertEqual(select.select([self.gate.read_end], [], [], 0)[0], [])

    def test_a_gate_that_is_closed_ignores_a_command(self):
        self.gate.close()
        self.gate.open('echo')
        self.gate.attach(self.directory)
        self.assertEqual(list(self.directory.iterdir()), [])


if __name__ == '__main__':
    unittest.main()
