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
from kernel import build
from machine import guest
from subject.overlay import Debug
from verdict.results import Results, from_cases
from verdict.tally import Tally, single

# Seconds for a session that nobody watches.
LIMIT = 90

UM, KGDB, QEMU = 'um', 'kgdb', 'qemu'


def debugger_of(kernel):
    """What gdb talks to: one of UM, KGDB and QEMU."""
    if kernel.target.name == 'um':
        return UM
    configuration = (kernel.out / '.config').read_text(encoding='utf-8').splitlines()
    return KGDB if 'CONFIG_KGDB_SERIAL_CONSOLE=y' in configuration else QEMU


def _about(kernel) -> Debug:
    """Return the description of the session."""
    about = kernel.subject.main.description.debug
    if not about:
        raise UserError(f'the overlay {kernel.subject.main.name} describes no debugger session: no table [debug]')
    return about


def _script(kernel) -> Path:
    return kernel.subject.main.in_folder(_about(kernel).script, 'script for the debugger')


class _Guest(threading.Thread):
    """A guest that runs attached the debugger, and waits for it.

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
        self.socket = Path(tempfile.mkdtemp(prefix='workbench-')) / 'gdb'
        self.stopping = threading.Event()
        self.limit = limit
        self.out = io.BytesIO()
        self.log = kernel.log('debug-boot')
        self.log.unlink(missing_ok=True)
        self.status = self.error = None
        self.module = _about(kernel).module
        module = build.modules(kernel).get(self.module)
        if not module:
            raise UserError(f'{kernel.name} has no module {self.module}')
        arguments = shlex.join(['set', '--', str(self.directory), str(module)])
        self.command = f'{arguments}; . {shlex.quote(str(WORKBENCH / "machine/init/debug.sh"))}; {command}'

    def _machine(self):
        """Return the arguments of guest.run() for the debugger."""
        where = f'unix:{self.socket},server=on,wait=off'
        return {UM: {}, QEMU: {'extra': ('-gdb', where)},
                KGDB: {'extra': ('-serial', where), 'options': ('kgdboc=ttyS1,115200', 'kgdbwait')}}[self.debugger]

    def _how_to_attach(self, child):
        attach = f'attach {child.pid}' if self.debugger == UM else f'target remote {self.socket}'
        (self.directory / 'attach').write_text(attach + '\n', encoding='utf-8')

    def run(self):
        try:
            self.status = guest.run(
                self.kernel, self.command, self.log, limit=self.limit, modules=[self.module],
                out=self.out, should_stop=self.stopping.is_set, on_start=self._how_to_attach,
                stop_at_report=bool(self.limit), **self._machine())
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
    return ['gdb', '-q', '-nx', '-d', kernel.tree, *arguments, kernel.symbols,
            '-x', WORKBENCH / 'verdict/gdb' / f'{debugger_of(kernel)}.gdb']


def session(kernel, results: Results | None = None) -> Tally:
    """Run the session that the overlay describes; return a tally.

    What gdb and the guest print is shown, and compared with the patterns.
    results: where to write them.
    """
    about = _about(kernel)
    attached = _Guest(kernel, about.trigger, LIMIT)
    attached.start()
    child = None
    log = kernel.log('gdb')
    try:
        attached.wait_until_ready()
        with open(log, 'wb') as out:
            child = start([*_gdb(kernel, '-batch'), '-x', _script(kernel),
                           '-ex', 'detach'], cwd=attached.directory, env=environment(),
                          stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
            attached.join()
    finally:
        if child:
            stop(child)
        attached.close()
    printed = log.read_text(errors='replace') + attached.out.getvalue().decode(errors='replace')
    print(printed, end='')
    tally = Tally()
    title = Path(about.script).stem
    cases = {f'{title}.{name}': bool(re.search(pattern, printed)) and attached.status == 0
             for name, pattern in about.cases.items()}
    for number, (name, seen) in enumerate(cases.items(), 1):
        print(f'{"" if seen else "not "}ok {number} {name}', flush=True)
        tally += single(f'debugger {about.script}: {name}', 'passed' if seen else 'failed',
                        '' if seen else 'the output does not show it')
    if results:
        results.add_kernel_log('debugger', attached.log)
        results.add('debugger', kernel.tree, from_cases(cases))
    if tally.failed:
        say(f'kernel log: {attached.log}')
    return tally


def interactive(kernel, command):
    """Give a gdb prompt, with the guest stopped in the function that the overlay names.

    command: what the guest runs, by default the loop of the overlay.
    """
    attached = _Guest(kernel, command or _about(kernel).loop, limit=0)
    attached.start()
    before = signal.getsignal(signal.SIGINT)
    try:
        attached.wait_until_ready()
        # From here on Ctrl-C is for gdb, which stops the kernel then.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return subprocess.call([*_gdb(kernel), '-ex', f'break {_about(kernel).function}', '-ex', 'continue'],
                               cwd=attached.directory, env=environment())
    finally:
        attached.close()
        signal.signal(signal.SIGINT, before)
