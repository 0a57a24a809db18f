# SPDX-License-Identifier: GPL-2.0-only
"""Try modules of the user on several kernels of Debian, and print a table with a column for each.

A problem of one kernel, also one of the archive or of the network, does not affect the
others. The kernels have no checkers: make try without KERNELS= finds more.
"""

import io
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host.console import UserError, say
from host.paths import WORKBENCH
from kernel import distro
from machine import distro as distro_machine, guest, initrd, report
from machine.distro import DISTRO
from subject.subject import NoDriver
from trial import session as sessions
from trial.compilation import compile_modules
from trial.sources import prepare
from verdict.tally import Tally, single

STEPS = ('builds', 'loads', 'tests', 'unloads')

# The cells of the table.
YES, NO, UNKNOWN, HANGS, REPORTS = 'yes', 'no', '-', 'hangs', 'report'

# The default limit for a guest, in seconds.
LIMIT = 60

_HERE = '/run/try'


@dataclass
class Column:
    """The results on a kernel: the cells by module and step, and lines that explain them."""
    version: str
    cells: dict[tuple[str, str], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def cell(self, module: str, step: str) -> str:
        return self.cells.get((module, step), UNKNOWN)


def _compile(kernel: distro.DistroKernel, paths: list[Path], column: Column) -> list[sessions.Module]:
    """Build the modules; return those that compile."""
    distro.write_headers(kernel)
    work = kernel.out / 'modules-built'
    work.mkdir()
    compilation = compile_modules(kernel, work, prepare(paths, work, is_instrumented=False), kernel.log('compile'))
    for finding in compilation.findings:
        if finding.kind == 'compile':
            column.cells[finding.module, 'builds'] = NO
            column.notes += [f'{finding.module} on {column.version}: {finding.text}',
                             *(f'    {line}' for line in finding.details)]
    for name in compilation.modules:
        column.cells[name, 'builds'] = YES
    return [sessions.modinfo(path) for path in compilation.modules.values()]


def read(column: Column, output: str, why: str) -> None:
    """Enter the events of agent.sh into a column; why: the cell for a step that does not end."""
    begun: tuple[str, str] | None = None
    for line in output.splitlines():
        event, module, status, text = (line.rstrip('\r').split('\t') + ['', '', ''])[:4]
        if event == 'begin':
            begun = module, text
        elif event in STEPS:
            begun = None
            passed = status == '0' and column.cells.get((module, event)) != NO
            column.cells[module, event] = YES if passed else NO
            if status != '0':
                column.notes.append(f'{module} on {column.version}: {event}: no: {text.strip()}')
    if begun and why:
        column.cells[begun] = why


def _run(kernel: distro.DistroKernel, group: list[sessions.Module], paths: list[Path], options: Any, probe: Path | None,
         column: Column) -> None:
    """Load, use and unload the modules of a group in a guest."""
    names = [module.path.name for module in group]
    needed = [*(module.path for module in group), WORKBENCH / 'trial/agent.sh', *([probe] if probe else [])]
    files = [initrd.file(f'{_HERE[1:]}/{path.name}', path.read_bytes(), 0o755) for path in needed]
    directory = str(paths[0]).lstrip('/')
    if options.cmd:
        files += initrd.tree(paths[0], directory)
    kernel.initrds[1:] = [initrd.write(kernel.out / 'initrd-try', files)]
    command = shlex.join(['sh', f'{_HERE}/agent.sh', f'/{directory}', f'{_HERE}/{probe.name}' if probe else '',
                          options.cmd, *(f'{_HERE}/{name}' for name in names)])
    log = kernel.log(f'kernel-{group[-1].name}')
    out = io.BytesIO()
    # The probe and the modules require some of the modules of the kernel.
    required = sorted({name for module in group for name in module.depends} - {module.name for module in group})
    status = guest.run(kernel, command, log, options.timeout, LIMIT, modules=required, out=out, err=io.BytesIO(),
                       judge=False)
    read(column, out.getvalue().decode(errors='replace'), HANGS if status == guest.TIMED_OUT else NO)
    lines = report.find(log, guest.USER_SPACE)
    if lines:
        module = group[-1].name
        column.notes += [f'{module} on {column.version}: the kernel reports:', *(f'    {line}' for line in lines[:12])]
        step = next((step for step in STEPS if column.cell(module, step) not in (YES, UNKNOWN)), 'tests')
        column.cells[module, step] = REPORTS
    elif status in guest.FAILURES:
        column.notes.append(f'{group[-1].name} on {column.version}: {guest.FAILURES[status]}; kernel log: {log}')


def _column(version: str, paths: list[Path], work: Path, options: Any, probe: Path | None) -> Column:
    """Try the modules on a kernel."""
    column = Column(version)
    try:
        kernel = distro.DistroKernel(version, DISTRO, NoDriver(paths[0]), work / version)
        kernel.out.mkdir()
        modules = _compile(kernel, paths, column)
        distro.install_modules(kernel, {'updates': [module.path for module in modules]})
        distro_machine.write_initrd(kernel)
        for group in sessions.groups(modules):
            _run(kernel, group, paths, options, probe, column)
    except UserError as error:
        column.notes.append(f'{version}: {error}')
        column.cells['', 'builds'] = NO
    return column


def table(columns: list[Column]) -> list[str]:
    """Return the lines of the table: for each module, a row for each step, with a column for each kernel."""
    modules = sorted({module for column in columns for module, _ in column.cells if module})
    width = max([len(module) for module in modules] + [len('unloads') + 2])
    lines = []
    for module in modules:
        lines.append(f'{module:{width}}' + ''.join(f'  {column.version:>7}' for column in columns))
        for step in STEPS:
            lines.append(f'  {step:{width - 2}}' + ''.join(f'  {column.cell(module, step):>7}' for column in columns))
    return lines


def tally(columns: list[Column]) -> Tally:
    """Return the tally of the cells; a kernel that could not be tried is a failure."""
    found = Tally()
    for column in columns:
        for (module, step), cell in column.cells.items():
            found += single(f'{module or "kernel"} on {column.version}: {step}', 'passed' if cell == YES else 'failed',
                            '' if cell in (YES, NO) else cell)
    return found


def run(options: Any, paths: list[Path], work: Path, probe: Path | None) -> Tally:
    """Try the modules in directories on the kernels of KERNELS=; print the table and what explains it.

    work: an empty directory. probe: the program of the probe, None if devices are not probed.
    """
    columns = []
    for version in dict.fromkeys(options.kernels):
        say(f'Linux {version}:')
        columns.append(_column(version, paths, work, options, probe))
    for column in columns:
        for note in column.notes:
            print(note)
    for line in table(columns):
        print(line)
    say(f'logs: {work}')
    return tally(columns)
