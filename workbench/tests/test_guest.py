# SPDX-License-Identifier: GPL-2.0-only
"""Test the end and the result of a run in a guest, with a shell script as the kernel."""

import contextlib
import io
import re
import shlex
import subprocess
import tempfile
import time
import types
import unittest
from pathlib import Path
from unittest import mock

from host.process import start
from machine import guest
from machine.qemu import X86_64
from machine.um import UM

START = f'echo "{guest.USER_SPACE}"'


OVERLAY = types.SimpleNamespace(root=Path('/tmp'))
SUBJECT = types.SimpleNamespace(directory=OVERLAY.root, overlays=(OVERLAY,))


class Machine(types.SimpleNamespace):
    """A machine whose kernel is a shell script, which prints the log; $run is the run directory."""

    name = 'um'
    terminal = '/dev/null'
    slowness = 1
    has_kvm = False
    script = ''
    child = run = measured = None

    def capacity(self, _guests):
        return 1, {}

    def save_measurements(self, kernel, log):
        self.measured = log.read_text(encoding='utf-8')

    def boot(self, _kernel, shared, log, _tty=None, extra=(), options=(), processors=2):
        self.run = shared[0]
        self.child = start(['sh', '-c', f'run={shlex.quote(str(self.run))}; {self.script}'],
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.child


class GuestTest(unittest.TestCase):
    """Test run() with one script for each case."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.machine = Machine()
        self.kernel = types.SimpleNamespace(target=self.machine, debug=False, modules=self.directory,
                                            subject=SUBJECT)
        self.messages = []
        self.out = io.BytesIO()
        for name, value in (('say', self.messages.append), ('REPORT_GRACE', (0.2, 1)), ('BOOT_SILENCE', 30)):
            patch = mock.patch.object(guest, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def run_script(self, script, **options):
        """Run a guest whose kernel is the script; return its status and the duration in seconds."""
        self.machine.script = script
        begin = time.monotonic()
        status = guest.run(self.kernel, 'true', self.directory / 'log', out=self.out, err=io.BytesIO(), **options)
        self.assertIsNotNone(self.machine.child.poll(), 'the guest still runs')
        self.assertFalse(self.machine.run.exists(), 'the run directory still exists')
        return status, time.monotonic() - begin

    def test_the_status_is_that_of_the_command(self):
        self.assertEqual(self.run_script(f'{START}; echo hello >$run/out; echo 7 >$run/status')[0], 7)
        self.assertEqual(self.out.getvalue(), b'hello\n')
        self.assertEqual(self.messages, [])

    def test_a_guest_without_a_status_has_died(self):
        self.assertEqual(self.run_script(f'{START}; echo bye; exit 3')[0], guest.DIED)
        self.assertIn('bye', '\n'.join(self.messages))

    def test_measurements_are_saved_only_of_a_guest_that_was_not_stopped(self):
        self.run_script(f'{START}; echo measured; echo 0 >$run/status')
        self.assertIn('measured', self.machine.measured)
        self.machine.measured = None
        self.run_script(f'{START}; sleep 60', timeout=0.5)
        self.assertIsNone(self.machine.measured)

    def test_a_report_fails_the_run_of_a_command_that_succeeds(self):
        status, _ = self.run_script(f'{START}; echo "WARNING: at widget"; echo 0 >$run/status')
        self.assertEqual(status, guest.DIED)
        self.assertIn('  WARNING: at widget', self.messages)

    def test_a_report_stops_a_guest_that_continues(self):
        status, seconds = self.run_script(
            f'{START}; echo 0 >$run/status; echo "BUG: x"; sleep 0.1; echo the rest; sleep 60')
        self.assertEqual(status, guest.DIED)
        self.assertIn('  the rest', self.messages)
        self.assertLess(seconds, 30)

    def test_a_report_stops_a_guest_that_keeps_printing(self):
        status, seconds = self.run_script(f'{START}; echo "BUG: x"; while :; do echo more; sleep 0.05; done')
        self.assertEqual(status, guest.DIED)
        self.assertLess(seconds, 30)

    def test_a_report_does_not_stop_an_interactive_guest(self):
        status, _ = self.run_script(f'{START}; echo "BUG: x"; sleep 0.5; echo 0 >$run/status; echo end',
                                    stop_at_report=False)
        self.assertEqual(status, guest.DIED)
        self.assertIn('  end', self.messages)

    def test_an_oops_stops_a_kernel_that_boots(self):
        status, seconds = self.run_script('echo "Oops: 0000"; sleep 60')
        self.assertEqual(status, guest.DIED)
        self.assertLess(seconds, 30)

    def test_a_time_limit_of_the_user_is_exact_and_named(self):
        self.kernel.debug = True
        status, seconds = self.run_script(f'{START}; sleep 60', timeout=1)
        self.assertEqual(status, guest.TIMED_OUT)
        self.assertEqual(self.messages[0], 'the guest was stopped after 1 s, its time limit (TIMEOUT=1)')
        self.assertLess(seconds, 30)

    def test_a_kernel_that_hangs_while_it_boots_is_stopped(self):
        with mock.patch.object(guest, 'BOOT_SILENCE', 0.5):
            status, seconds = self.run_script('echo booting; sleep 60')
        self.assertEqual(status, guest.TIMED_OUT)
        self.assertIn('before user space started', self.messages[0])
        self.assertLess(seconds, 30)

    def test_a_silent_guest_is_stopped(self):
        status, seconds = self.run_script(f'{START}; sleep 60', silence=0.5)
        self.assertEqual(status, guest.TIMED_OUT)
        self.assertIn('no line in its log and no output for 0.5 s', self.messages[0])
        self.assertLess(seconds, 30)

    def test_a_guest_with_output_is_not_silent(self):
        script = f'{START}; for i in 1 2 3 4; do sleep 0.3; echo $i >>$run/out; done; echo 0 >$run/status'
        self.assertEqual(self.run_script(script, silence=0.8)[0], 0)

    def test_a_guest_is_stopped_at_the_request_of_its_caller(self):
        self.assertEqual(self.run_script(f'{START}; sleep 60', should_stop=lambda: True)[0], guest.STOPPED)


class LimitsTest(unittest.TestCase):
    """Test the factor by which limits are longer for slow kernels."""

    def test_factors_are_not_multiplied(self):
        for target, debug, with_kvm, factor in ((UM, False, False, 1), (UM, True, False, guest.DEBUG_SLOWNESS),
                                                (X86_64, False, True, 1), (X86_64, False, False, 4),
                                                (X86_64, True, False, guest.DEBUG_SLOWNESS)):
            with self.subTest(target.name, debug=debug, with_kvm=with_kvm):
                kernel = types.SimpleNamespace(target=target, debug=debug)
                self.assertEqual(guest.slowness(kernel, with_kvm), factor)


class StartTest(unittest.TestCase):
    """Test the script that the guest runs."""

    def start_script(self, stop_at_report):
        with tempfile.TemporaryDirectory() as directory:
            kernel = types.SimpleNamespace(modules='/modules', subject=SUBJECT)
            guest._write_run_directory(Path(directory), kernel, 'true', ['widget'], None, stop_at_report)
            return (Path(directory) / 'start').read_text(encoding='utf-8')

    def test_the_options_to_panic_at_a_report_are_set(self):
        self.assertRegex(self.start_script(True), r'(?m)\A\. .*/init\'?/before$')

    def test_the_options_are_not_set_for_an_interactive_guest(self):
        self.assertNotIn('before', self.start_script(False))

    def test_output_through_dev_stdout_is_appended(self):
        with tempfile.TemporaryDirectory() as directory:
            kernel = types.SimpleNamespace(modules='/modules', subject=SUBJECT)
            guest._write_run_directory(Path(directory), kernel, 'echo one; (echo two >>/dev/stdout); echo three',
                                       [], None, False)
            script = (Path(directory) / 'start').read_text(encoding='utf-8').replace('/run/workbench', directory)
            subprocess.run(['sh', '-c', re.sub(r'(?m)^\. .*afterwards.*', '', script)], check=True)
            self.assertEqual((Path(directory) / 'out').read_text(encoding='utf-8'), 'one\ntwo\nthree\n')


class TryKvmTest(unittest.TestCase):
    """Test the result and the duration of a boot under KVM."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = Path(directory.name)
        self.kernel = types.SimpleNamespace(debug=False, modules=path, subject=SUBJECT,
                                            log=lambda name: path / name)

    def failure(self, script):
        """Return why a boot failed; assert that it takes less than 30 s."""
        machine = Machine(script=script)
        boot = machine.boot
        machine.boot = lambda *arguments, kvm, **options: boot(*arguments, **options)
        begin = time.monotonic()
        with contextlib.ExitStack() as stack:
            self.kernel.target = machine
            stack.enter_context(mock.patch.object(guest, 'REPORT_GRACE', (0.2, 1)))
            stack.enter_context(mock.patch.object(guest.kvm, 'SILENCE', 0.5))
            failure = guest._try_kvm(self.kernel)
        self.assertLess(time.monotonic() - begin, 30)
        return failure

    def test_a_boot_to_user_space_succeeds(self):
        self.assertEqual(self.failure(f'{START}; echo 0 >$run/status'), '')

    def test_an_internal_error_of_kvm_ends_the_boot(self):
        self.assertIn('KVM internal error', self.failure('echo "KVM internal error. Suberror: 1"; sleep 60'))

    def test_a_panic_is_reported(self):
        self.assertIn('Kernel panic', self.failure('echo "Kernel panic - not syncing: x"; exit 0'))

    def test_silence_ends_the_boot(self):
        self.assertIn('0.5 s', self.failure('echo booting; sleep 60'))

    def test_a_failure_of_qemu_is_reported(self):
        self.assertIn('QEMU ended with 1', self.failure('exit 1'))


if __name__ == '__main__':
    unittest.main()
