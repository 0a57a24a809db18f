# SPDX-License-Identifier: GPL-2.0-only
"""Test the interfaces of the debugger, and the end of waiting for it."""

import os
import signal
import tempfile
import threading
import time
import types
import unittest
from pathlib import Path
from unittest import mock

from host.console import UserError
from machine.qemu import X86_64
from machine.um import UM
from subject.overlay import Debug
from verdict import debug

KGDB = 'CONFIG_KGDB=y\nCONFIG_KGDB_SERIAL_CONSOLE=y\n'
NO_KGDB = '# CONFIG_KGDB is not set\n'


class DebugTest(unittest.TestCase):
    """Test the debugger with a built kernel, and with functions as guests."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.out = Path(directory.name)
        description = Debug('widget', 'widget_write', 'write.gdb', 'trigger', 'loop', {'stops': 'hit Breakpoint'})
        overlay = types.SimpleNamespace(name='widget', description=types.SimpleNamespace(debug=description),
                                        in_folder=lambda name, _: self.out / name)
        self.kernel = types.SimpleNamespace(target=X86_64, tree=self.out, out=self.out, symbols=self.out / 'vmlinux',
                                            subject=types.SimpleNamespace(main=overlay),
                                            log=lambda name: self.out / f'{name}.log')
        modules = mock.patch.object(debug.build, 'modules', lambda _: {'widget': self.out / 'widget.ko'})
        modules.start()
        self.addCleanup(modules.stop)
        self.configure(KGDB)
        # A guest that is not started does not remove the directory of its socket.
        patch = mock.patch.object(tempfile, 'tempdir', str(self.out))
        patch.start()
        self.addCleanup(patch.stop)

    def configure(self, text):
        (self.out / '.config').write_text(text, encoding='utf-8')

    def with_guest(self, run):
        """Replace guest.run() by a function."""
        return mock.patch.object(debug.guest, 'run', run)

    def machine(self):
        """Return the arguments of the machine and of the kernel for the debugger, as a string."""
        return ' '.join(word for words in debug._Guest(self.kernel, 'true', 5)._machine().values() for word in words)

    def test_um_requires_no_arguments(self):
        self.kernel.target = UM
        self.assertEqual(debug.debugger_of(self.kernel), debug.UM)
        self.assertEqual(self.machine(), '')

    def test_a_kernel_with_kgdb_has_a_serial_line(self):
        self.assertEqual(debug.debugger_of(self.kernel), debug.KGDB)
        self.assertIn('kgdbwait', self.machine())

    def test_a_kernel_without_kgdb_is_debugged_through_qemu(self):
        self.configure(NO_KGDB)
        self.assertEqual(debug.debugger_of(self.kernel), debug.QEMU)
        self.assertIn('-gdb', self.machine())
        self.assertNotIn('kgdb', self.machine())

    def test_each_interface_has_a_script(self):
        for name in (debug.UM, debug.KGDB, debug.QEMU):
            self.assertTrue((debug.WORKBENCH / f'verdict/gdb/{name}.gdb').exists())

    def wait(self, seconds, should_stop):
        """Wait for a time or until the guest is to be stopped, as a guest that boots."""
        deadline = time.monotonic() + seconds
        while not should_stop() and time.monotonic() < deadline:
            time.sleep(0.01)
        return 0

    def test_ctrl_c_ends_the_waiting(self):
        waiting = threading.Event()

        def is_ready(_):
            waiting.set()

        def run(*_, should_stop, **__):
            waiting.wait(30)
            os.kill(os.getpid(), signal.SIGINT)
            return self.wait(30, should_stop)

        # The handler of the workbench would ignore further signals, also in other tests.
        before = signal.default_int_handler
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, before))
        begin = time.monotonic()
        with self.with_guest(run), mock.patch.object(debug._Guest, '_is_ready', is_ready), \
             self.assertRaises(KeyboardInterrupt):
            debug.interactive(self.kernel, '')
        self.assertLess(time.monotonic() - begin, 30)
        self.assertEqual(signal.getsignal(signal.SIGINT), before)

    def test_a_guest_that_ends_before_the_debugger_attaches_is_an_error(self):
        for call in (lambda: debug.interactive(self.kernel, ''), lambda: debug.session(self.kernel)):
            with self.with_guest(lambda *_, **__: 125), self.assertRaisesRegex(UserError, 'before the debugger'):
                call()

    def test_a_report_stops_only_a_session_with_a_limit(self):
        for limit, stops in ((0, False), (90, True)):
            run = mock.Mock(return_value=0)
            with self.with_guest(run):
                debug._Guest(self.kernel, 'true', limit).run()
            self.assertEqual(run.call_args.kwargs['stop_at_report'], stops)
            self.assertEqual(run.call_args.kwargs['limit'], limit)


if __name__ == '__main__':
    unittest.main()
