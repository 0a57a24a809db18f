# SPDX-License-Identifier: GPL-2.0-only
"""Debug a booted kernel with gdb: directly on um; on x86_64 through KGDB, or QEMU if the kernel lacks KGDB."""

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

# The limit for a session that is not interactive, in seconds.
LIMIT = 90

UM, KGDB, QEMU = 'um', 'kgdb', 'qemu'


def debugger_of(kernel):
    """Return the interface that gdb uses: UM, KGDB or QEMU."""
    if kernel.target.name == 'um':
        return UM
    configuration = (kernel.out / '.config').read_text(encoding='utf-8').splitlines()
    return KGDB if 'CONFIG_KGDB_SERIAL_CONSOLE=y' in configuration else QEMU


def _description(kernel) -> Debug:
    """Return the description of the session; raise UserError if there is none."""
    description = kernel.subject.main.description.debug
    if not description:
        raise UserError(f'the overlay {kernel.subject.main.name} has no table [debug], which describes the session')
    return description


def _script(kernel) -> Path:
    return kernel.subject.main.in_folder(_description(kernel).script, 'script for the debugger')


class _Guest(threading.Thread):
    """A guest that waits for the debugger and then runs a command.

    limit: the limit for the guest in seconds. 0 is an interactive session, without a
    limit, which a report does not stop.
    """

    def __init__(self, kernel, command, limit):
        super().__init__()
        self.kernel = kernel
        self.debugger = debugger_of(kernel)
        # The guest shares the build directory. The path of a socket must be short.
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
        self.module = _description(kernel).module
        module = build.modules(kernel).get(self.module)
        if not module:
            raise UserError(f'{kernel.name} has no module {self.module}')
        arguments = shlex.join(['set', '--', str(self.directory), str(module)])
        self.command = f'{arguments}; . {shlex.quote(str(WORKBENCH / "machine/init/debug.sh"))}; {command}'

    def _machine(self):
        """Return the arguments of guest.run() for the debugger."""
        channel = f'unix:{self.socket},server=on,wait=off'
        return {UM: {}, QEMU: {'extra': ('-gdb', channel)},
                KGDB: {'extra': ('-serial', channel), 'options': ('kgdboc=ttyS1,115200', 'kgdbwait')}}[self.debugger]

    def _write_attach_script(self, child):
        command = f'attach {child.pid}' if self.debugger == UM else f'target remote {self.socket}'
        (self.directory / 'attach').write_text(command + '\n', encoding='utf-8')

    def run(self):
        try:
            self.status = guest.run(
                self.kernel, self.command, self.log, limit=self.limit, modules=[self.module],
                out=self.out, should_stop=self.stopping.is_set, on_start=self._write_attach_script,
                stop_at_report=bool(self.limit), **self._machine())
        except (OSError, UserError) as error:
            self.error = error

    def _is_ready(self):
        if not (self.directory / 'attach').exists():
            return False
        if self.debugger != KGDB:
            return (self.directory / 'symbols').exists()
        # Before this line, the kernel would lose the packets of gdb, which repeats them late.
        return self.log.exists() and b'Registered I/O driver kgdboc' in self.log.read_bytes()

    def wait_until_ready(self):
        """Wait until the debugger can attach; raise UserError if the guest ends before."""
        while not self._is_ready():
            if not self.is_alive():
                raise self.error or UserError('the guest ended before the debugger was attached; '
                                              f'log: {self.log}')
            time.sleep(0.05)

    def close(self):
        self.stopping.set()
        self.join()
        shutil.rmtree(self.socket.parent, ignore_errors=True)


def _gdb(kernel, *arguments):
    return ['gdb', '-q', '-nx', '-d', kernel.tree, *arguments, kernel.symbols,
            '-x', WORKBENCH / 'verdict/gdb' / f'{debugger_of(kernel)}.gdb']


def session(kernel, results: Results | None = None) -> Tally:
    """Run the session that the overlay describes, and print its output; return the tally of its cases.

    A case passes if its pattern matches the output. results: receives the results.
    """
    description = _description(kernel)
    debugged = _Guest(kernel, description.trigger, LIMIT)
    debugged.start()
    child = None
    log = kernel.log('gdb')
    try:
        debugged.wait_until_ready()
        with open(log, 'wb') as out:
            child = start([*_gdb(kernel, '-batch'), '-x', _script(kernel),
                           '-ex', 'detach'], cwd=debugged.directory, env=environment(),
                          stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
            debugged.join()
    finally:
        if child:
            stop(child)
        debugged.close()
    output = log.read_text(errors='replace') + debugged.out.getvalue().decode(errors='replace')
    print(output, end='')
    tally = Tally()
    title = Path(description.script).stem
    cases = {f'{title}.{name}': bool(re.search(pattern, output)) and debugged.status == 0
             for name, pattern in description.cases.items()}
    for number, (name, passed) in enumerate(cases.items(), 1):
        print(f'{"" if passed else "not "}ok {number} {name}', flush=True)
        tally += single(f'debugger {description.script}: {name}', 'passed' if passed else 'failed',
                        '' if passed else 'the output does not match its pattern')
    if results:
        results.add_kernel_log('debugger', debugged.log)
        results.add('debugger', kernel.tree, from_cases(cases))
    if tally.failed:
        say(f'kernel log: {debugged.log}')
    return tally


def interactive(kernel, command):
    """Give a gdb prompt, with the guest stopped in the function that the overlay names.

    command: runs in the guest; by default the loop of the overlay.
    """
    debugged = _Guest(kernel, command or _description(kernel).loop, limit=0)
    debugged.start()
    before = signal.getsignal(signal.SIGINT)
    try:
        debugged.wait_until_ready()
        # From here on, Ctrl-C is for gdb, which stops the kernel.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return subprocess.call([*_gdb(kernel), '-ex', f'break {_description(kernel).function}', '-ex', 'continue'],
                               cwd=debugged.directory, env=environment())
    finally:
        debugged.close()
        signal.signal(signal.SIGINT, before)
