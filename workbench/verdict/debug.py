# SPDX-License-Identifier: GPL-2.0-only
"""A debugger on the booted kernel: gdb on um; on x86_64 KGDB, or QEMU where the kernel lacks it."""

import io
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from host.console import UserError, say
from host.environment import environment
from host.paths import WORKBENCH
from host.process import start, stop
from machine import guest
from verdict.tally import Tally, one

# What user space does in a session that nobody watches, which sees the write
# before it happens; and what must show, in the session or in the guest.
COMMAND = 'printf HELLO 1<>/dev/lkmdemo && cat /dev/lkmdemo'
CASES = {
    'stops_when_user_space_writes':
        re.compile(r'hit Breakpoint 1, lkmdemo_write_iter \('),
    'shows_the_message_and_the_count':
        re.compile(r'^write of 5 bytes, the message now is: Hello from kernel$', re.M),
    'lets_the_write_complete':
        re.compile(r'^HELLO from kernel$', re.M),
}

# And what it does while somebody does, if nothing else is asked for.
WRITES = 'while sleep 1; do date >/dev/lkmdemo; done'

# Seconds for a session that nobody watches.
LIMIT = 90

# The kernel with its symbols, in the build directory.
SYMBOLS = {'um': 'linux', 'x86_64': 'vmlinux'}


UM, KGDB, QEMU = 'um', 'kgdb', 'qemu'


def debugger_of(kernel):
    """What gdb talks to: one of UM, KGDB and QEMU."""
    if kernel.target == 'um':
        return UM
    configuration = (kernel.out / '.config').read_text(encoding='utf-8').splitlines()
    return KGDB if 'CONFIG_KGDB_SERIAL_CONSOLE=y' in configuration else QEMU


class _Guest(threading.Thread):
    """A guest that runs beside the debugger, and waits for it.

    limit: seconds for it, without any if 0: then somebody watches, and a report
    does not stop it either.
    """

    def __init__(self, kernel, command, limit):
        super().__init__()
        self.kernel = kernel
        self.debugger = debugger_of(kernel)
        # The build directory is the guest's too; a socket wants a short path.
        self.directory = kernel.out / 'debug'
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.socket = Path(tempfile.mkdtemp(prefix='lkmdemo-')) / 'gdb'
        self.stopping = threading.Event()
        self.limit = limit
        self.out = io.BytesIO()
        self.log = kernel.log('debug-boot')
        self.log.unlink(missing_ok=True)
        self.status = self.error = None
        module = kernel.out / 'drivers/misc/lkmdemo/lkmdemo.ko'
        arguments = shlex.join(['set', '--', str(self.directory), str(module)])
        self.command = f'{arguments}; . {shlex.quote(str(WORKBENCH))}/machine/init/debug.sh; {command}'

    def _machine(self):
        where = f'--qemu-opt=unix:{self.socket},server=on,wait=off'
        return {UM: [],
                KGDB: ['--qemu-opt=-serial', where, '--kopt=kgdboc=ttyS1,115200', '--kopt=kgdbwait'],
                QEMU: ['--qemu-opt=-gdb', where]}[self.debugger]

    def _how_to_attach(self, child):
        attach = f'attach {child.pid}' if self.debugger == UM else f'target remote {self.socket}'
        (self.directory / 'attach').write_text(attach + '\n', encoding='utf-8')

    def run(self):
        try:
            self.status = guest.run(
                self.kernel, self.command, self.log, limit=self.limit, modules=['lkmdemo'],
                out=self.out, stopped=self.stopping.is_set, machine=self._machine(),
                started=self._how_to_attach, stop_at_report=bool(self.limit))
        except (OSError, UserError) as error:
            self.error = error

    def _is_ready(self):
        if not (self.directory / 'attach').exists():
            return False
        if self.debugger != KGDB:
            return (self.directory / 'symbols').exists()
        # What gdb says before is lost, and said again when it has waited long.
        return self.log.exists() and b'Registered I/O driver kgdboc' in self.log.read_bytes()

    def wait_until_ready(self):
        """Wait until the debugger can have it; raises UserError if it dies first."""
        while not self._is_ready():
            if not self.is_alive():
                raise self.error or UserError('the guest ended before the debugger was attached; '
                                              f'its log: {self.log}')
            time.sleep(0.05)

    def close(self):
        self.stopping.set()
        self.join()
        shutil.rmtree(self.socket.parent, ignore_errors=True)


def _gdb(kernel, *arguments):
    return ['gdb', '-q', '-nx', '-d', kernel.tree, *arguments, kernel.out / SYMBOLS[kernel.target],
            '-x', WORKBENCH / 'verdict/gdb' / f'{debugger_of(kernel)}.gdb']


def session(kernel):
    """Stop in the write path, print the message and the count, go on; a tally.

    What gdb prints is shown, and compared.
    """
    beside = _Guest(kernel, COMMAND, LIMIT)
    beside.start()
    child = None
    log = kernel.log('gdb')
    try:
        beside.wait_until_ready()
        with open(log, 'wb') as out:
            child = start([*_gdb(kernel, '-batch'), '-x', WORKBENCH / 'verdict/gdb/write.gdb',
                           '-ex', 'detach'], cwd=beside.directory, env=environment(),
                          stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
            beside.join()
    finally:
        if child:
            stop(child)
        beside.close()
    printed = log.read_text(errors='replace') + beside.out.getvalue().decode(errors='replace')
    print(printed, end='')
    tally = Tally()
    for number, (name, pattern) in enumerate(CASES.items(), 1):
        seen = bool(pattern.search(printed)) and beside.status == 0
        print(f'{"" if seen else "not "}ok {number} write.{name}', flush=True)
        tally += one(f'debugger write.gdb: write.{name}', 'passed' if seen else 'failed')
    if tally.failed:
        say(f'kernel log: {beside.log}')
    return tally


def interactive(kernel, command):
    """Give a gdb prompt, with the guest stopped in the write path.

    command: what the guest runs; it writes once a second by default.
    """
    beside = _Guest(kernel, command or WRITES, limit=0)
    beside.start()
    before = signal.getsignal(signal.SIGINT)
    try:
        beside.wait_until_ready()
        # From here on Ctrl-C is for gdb, which stops the kernel then.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return subprocess.call([*_gdb(kernel), '-ex', 'break lkmdemo_write_iter', '-ex', 'continue'],
                               cwd=beside.directory, env=environment())
    finally:
        beside.close()
        signal.signal(signal.SIGINT, before)
