# SPDX-License-Identifier: GPL-2.0-only
"""Try modules of the user: build, load, use and unload them, and report problems."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from host.console import UserError, say
from host.environment import environment
from host.paths import WORKBENCH, build_root
from kernel import build, source
from machine import guest, report
from machine.um import UM
from subject import subject
from subject.subject import NoDriver
from trial import kernels, session as sessions
from trial.compilation import Compilation, compile_modules
from trial.findings import TAINTS, Finding
from trial.session import Module, Session
from trial.sources import HELPER, prepare
from verdict import ktap
from verdict.count import count_kunit
from verdict.tally import Tally, single

# The number of lines of a kind that are printed.
SHOWN = 8

# The largest number of groups with a search for leaks, which takes some seconds; with more
# groups, DEBUG=1 requests it.
MANY = 3

# Entries that are not specific to a module.
_UNSPECIFIC = re.compile(r'/sys/module$|/proc/modules')


class Trial:
    """The results of make try: a tally of the checks, and findings."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.findings: list[Finding] = []

    def passed(self, module: str, check: str) -> None:
        """Count a passed check."""
        self.tally += single(f'{module}: {check}', 'passed')

    def skipped(self, module: str, check: str, reason: str) -> None:
        """Count a check that could not run."""
        self.tally += single(f'{module}: {check}', 'skipped', reason)

    def found(self, finding: Finding, check: str) -> None:
        """Count a failed check, and add its finding."""
        self.findings.append(finding)
        self.tally += single(f'{finding.module}: {check}', 'failed', finding.text)


def _shown(values: list[str]) -> str:
    more = f' and {len(values) - SHOWN} more' if len(values) > SHOWN else ''
    return ', '.join(values[:SHOWN]) + more


def _used_symbols(paths: list[Path]) -> dict[Path, list[str]]:
    """Map modules to the sorted symbols that they use, without those of instrumentation."""
    result = subprocess.run(['nm', '-u', '-A', *map(str, paths)], env=environment(), capture_output=True, text=True,
                            check=False)
    used: dict[Path, list[str]] = {path: [] for path in paths}
    for line in result.stdout.splitlines():
        path, _, symbol = line.rpartition(':')
        symbol = symbol.split()[-1]
        if not symbol.startswith(('__asan', '__ubsan', '__fentry', '__stack', '__sanitizer')):
            used[Path(path)].append(symbol)
    return {path: sorted(symbols) for path, symbols in used.items()}


def _symbols(module: Module, work: Path, used: list[str]) -> list[str]:
    """Return lines about the symbols that a module exports and uses."""
    lines = []
    symvers = work / 'Module.symvers'
    if symvers.exists():
        exported = [line.split('\t')[1] for line in symvers.read_text(encoding='utf-8').splitlines()
                    if line.split('\t')[2].rpartition('/')[2] == module.path.stem]
        if exported:
            lines.append(f'exports: {_shown(exported)}')
    if used:
        lines.append(f'uses: {_shown(used)}')
    return lines


class _Report:
    """Converts the reports of guests to checks and findings, and prints them."""

    def __init__(self, trial: Trial, session: Session, modules: dict[str, Module], work: Path, hz: int):
        self.trial = trial
        self.session = session
        self.modules = modules
        self.work = work
        self.hz = hz
        self.used = _used_symbols([module.path for module in modules.values()])

    def of(self, kind: str, **values: Any) -> list[dict[str, Any]]:
        return [event for event in self.session.events if event['event'] == kind
                and all(event.get(key) == value for key, value in values.items())]

    def log(self, step: str) -> list[str]:
        return [line for name, lines in self.session.log if name == step for line in lines]

    def module(self, name: str) -> None:
        """Report on loading and unloading a module."""
        load = self.of('load', module=name)
        if not load:
            self.trial.skipped(name, 'loads', 'an earlier module did not load, or the guest ended')
            return
        self._load(name, load[0])
        self._unload(name)

    def _load(self, name: str, load: dict[str, Any]) -> None:
        log = self.log(f'load {name}')
        if load['status'] is None:
            self.trial.found(Finding('stuck', name, 'its init function does not return'), 'loads')
        elif load['status']:
            details = [load['output'], *log[:SHOWN]]
            self.trial.found(Finding('load-failed', name, 'it does not load', tuple(details)), 'loads')
        else:
            self.trial.passed(name, 'loads')
            self._describe(name, log)

    def _describe(self, name: str, log: list[str]) -> None:
        described = self.of('module', module=name)
        taint = described[0]['taint'] if described else ''
        print(f'{name}: loads' + (f' (taint {taint}: {", ".join(TAINTS.get(flag, flag) for flag in taint)})'
                                  if taint else ''))
        for line in [line for line in log if not report.REPORT.search(line)][:SHOWN]:
            print(f'    log: {line}')
        for parameter, (mode, value) in (described[0]['parameters'] if described else {}).items():
            print(f'    parameter {parameter} ({mode.replace("0o", "0")}): {value}')
        for line in _symbols(self.modules[name], self.work, self.used[self.modules[name].path]):
            print(f'    {line}')

    def _unload(self, name: str) -> None:
        unload = self.of('unload', module=name)
        if not unload:
            return
        if unload[0]['status'] == 0:
            self.trial.passed(name, 'unloads')
            return
        holders = unload[0]['holders']
        reason = f'it is used by {", ".join(holders)}' if holders else f'its use count is {unload[0]["refcnt"]}'
        if unload[0]['permanent']:
            reason = 'it has no exit function'
        if unload[0]['status'] is None:
            reason = 'its exit function does not return'
        self.trial.found(Finding('stuck', name, f'it cannot be unloaded: {reason}',
                                 tuple(unload[0]['output'].splitlines())), 'unloads')

    def group(self, names: list[str]) -> None:
        """Report on the modules of a group, under the name of the last one."""
        last = names[-1]
        for event in self.of('appeared'):
            if event['names'] == names[:len(event['names'])] and event['names']:
                paths = [path for path in event['paths'] if not _UNSPECIFIC.search(path)]
                outermost = [path for path in paths if not any(path.startswith(f'{other}/') for other in paths)]
                if outermost:
                    print(f'    creates: {_shown(outermost)}')
        for event in self.of('probe', names=names):
            self._probe(last, event)
        for event in self.of('left', names=names):
            remaining = [path for path in event['paths'] if not _UNSPECIFIC.search(path)]
            if remaining:
                self.trial.found(Finding('left-behind', last, 'entries remain after it is unloaded',
                                         tuple(remaining[:SHOWN])), 'removes its entries')
            else:
                self.trial.passed(last, 'removes its entries')
        for event in self.of('repeat', names=names):
            check = f'loads and unloads {sessions.CYCLES} times'
            if event['error']:
                self.trial.found(Finding('repeat', last, f'repeated loading fails: {event["error"]}'), check)
            else:
                self.trial.passed(last, check)
        self._reports(names)

    def _probe(self, name: str, event: dict[str, Any]) -> None:
        device, lines = event['device'], event['output'].splitlines()
        check = f'probe of {device}'
        found = [line.split('\t') for line in lines if line.startswith('finding\t')]
        probed = next((line.split('\t')[1] for line in lines if line.startswith('probed\t')), '0')
        for _, kind, call, result, why in (fields for fields in found if len(fields) == 5):
            self.trial.found(Finding(kind, name, f'{device}: {why}', (f'call: {call}', f'result: {result}')),
                             f'{check}: {kind}')
        if event['status'] is None:
            self.trial.found(Finding('hang', name, f'{device}: the probe did not finish'), check)
        elif not found:
            self.trial.passed(name, check)
        print(f'    {device}: {probed} checks, {len(found)} findings')

    def _reports(self, names: list[str]) -> None:
        """Report the first report in the kernel log of the steps of some modules."""
        owner = ''
        for step, lines in self.session.log:
            what, _, name = step.partition(' ')
            # Any other step belongs to the module that was loaded last.
            owner = name if what in ('load', 'unload', 'repeat') else owner
            begin = next((number for number, line in enumerate(lines)
                          if report.REPORT.search(line) and 'kmemleak:' not in line), None)
            if owner not in names or begin is None:
                continue
            # The line "cut here" is no title.
            title = next((line for line in lines[begin:] if 'cut here' not in line), lines[begin])
            self.trial.found(Finding('report', owner, f'the kernel reports at "{step}": {title.strip()}',
                                     tuple(lines[begin:begin + 12])), f'no report at {what}')
            return
        self.trial.passed(names[-1], 'no report in the kernel log')

    def ended(self, names: list[str]) -> None:
        """Report that the guest ended in a group, unless a finding explains it."""
        status = self.session.ended.get(names[0])
        if status is None:
            return
        if any(finding.module in names and finding.kind in ('report', 'stuck') for finding in self.trial.findings):
            return
        why = 'the guest was stopped by its time limit' if status == guest.TIMED_OUT else 'the guest died'
        self.trial.found(Finding('report', names[-1], why), 'the guest survives')

    def leaks(self) -> None:
        """Report leaked memory of each group, by the guest and the time of the allocation."""
        for event in self.of('leaks'):
            objects = re.findall(r'unreferenced object \S+ \(size (\d+)\):\n  comm "[^"]*", pid \d+, jiffies (\d+)',
                                 event['text'])
            for end in self.of('end', guest=event['guest']):
                sizes = [int(size) for size, jiffies in objects
                         if end['begin'] <= _seconds(int(jiffies), self.hz) <= end['end']]
                name = end['names'][-1]
                if sizes:
                    text = f'it leaks memory: {len(sizes)} objects, {sum(sizes)} bytes'
                    self.trial.found(Finding('leak', name, text), 'leaks no memory')
                else:
                    self.trial.passed(name, 'leaks no memory')


def _seconds(jiffies: int, hz: int) -> float:
    """Return the time since boot in seconds; jiffies start 300 s before they wrap."""
    return (jiffies - ((1 << 32) - 300 * hz)) / hz


def _probe() -> Path:
    """Compile the probe unless it is newer than its sources; return the path of the program."""
    program, part = build_root() / 'try-probe', build_root() / 'try-probe.part'
    sources = sorted((WORKBENCH / 'trial/probe').glob('*.[ch]'))
    if program.exists() and program.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return program
    result = subprocess.run(['gcc', '-O2', '-static', '-pthread', '-o', part,
                             *(path for path in sources if path.suffix == '.c')],
                            env=environment(), capture_output=True, text=True, check=False)
    if result.returncode:
        raise UserError(f'the probe does not compile: {result.stderr.splitlines()[0]}')
    os.replace(part, program)
    return program


def _commands(trial: Trial, session: Session) -> None:
    """Print the output of the command; count its results and those of KUnit."""
    for event in session.events:
        if event['event'] == 'command':
            print(event['output'], end='')
            lines = event['output'].splitlines()
            if any(re.match(r'K?TAP version \d+$', line) for line in lines):
                for path, result, reason in ktap.cases(lines):
                    trial.tally += single(f'command: {": ".join(path)}', result, reason)
            elif event['status']:
                trial.found(Finding('command', 'command', f'the command ended with {event["status"]}'), 'succeeds')
            else:
                trial.passed('command', 'succeeds')
        elif event['event'] == 'kunit':
            trial.tally += count_kunit(event['text'])


def _print_findings(trial: Trial) -> None:
    pitfalls = subject.load().main.description.pitfalls
    for finding in trial.findings:
        print(f'\n{finding.module}: {finding.text}')
        for line in finding.details:
            print(f'    {line}')
        if finding.kind in pitfalls:
            print(f'    see {pitfalls[finding.kind]}')


def _kernel(options: Any, directory: Path) -> build.Kernel:
    no_driver = NoDriver(directory)
    tree = source.tree_for(options.kernel, options.kdir, no_driver) if options.kdir \
        else source.packaged_tree(options.kernel)
    kernel = build.Kernel(tree, UM, no_driver, 'try', extra=options.config)
    build.build(kernel)
    return kernel


def _compile(kernel: build.Kernel, work: Path, paths: list[Path], trial: Trial) -> Compilation:
    compilation = compile_modules(kernel, work, prepare(paths, work), work.parent / 'compile.log')
    warned = {finding.module for finding in compilation.findings if finding.kind == 'warning'}
    for finding in compilation.findings:
        trial.found(finding, 'compiles' if finding.kind == 'compile' else 'compiles without a warning')
    for name in compilation.modules:
        if name == HELPER:
            continue
        trial.passed(name, 'compiles')
        if name not in warned:
            trial.passed(name, 'compiles without a warning')
    return compilation


def shell(options: Any) -> int:
    """Give a prompt in a guest with the modules loaded; return its exit status."""
    paths, work = _prepare(options)
    kernel = _kernel(options, paths[0])
    trial = Trial()
    compilation = _compile(kernel, work / 'modules', paths, trial)
    _print_findings(trial)
    modules = [sessions.modinfo(path) for path in compilation.modules.values()]
    modules.sort(key=lambda module: module.name != HELPER)
    lines = [f'insmod {shlex.quote(str(module.path))}' for group in sessions.groups(modules) for module in group]
    return guest.run(kernel, '\n'.join([*lines, 'exec ${SHELL:-/bin/sh} -i']), work / 'kernel.log', on_terminal=True,
                     stop_at_report=False)


def _is_used_by_kernel(kernel: build.Kernel, name: str, trial: Trial) -> bool:
    """Return whether a module of the kernel has the same name; add a finding if so."""
    for listed in ('modules.builtin', 'modules.order'):
        for line in (kernel.out / listed).read_text(encoding='utf-8').splitlines():
            if Path(line).stem.replace('-', '_') == name:
                text = f'the kernel has a module of the same name, {Path(line).stem}'
                trial.found(Finding('name-taken', name, text), 'has a unique name')
                return True
    return False


def _prepare(options: Any) -> tuple[list[Path], Path]:
    """Return the directories of MODULE=, and an empty work directory."""
    paths = [Path(name).expanduser().resolve() for name in options.module]
    work = build_root() / 'try'
    shutil.rmtree(work, ignore_errors=True)
    (work / 'modules').mkdir(parents=True)
    for path in paths:
        if not path.is_dir():
            raise UserError(f'MODULE={path}: no such directory')
    return paths, work


def run_on_kernels(options: Any) -> Tally:
    """Try the modules in the directories of MODULE= on the kernels of KERNELS=; return the tally."""
    paths, work = _prepare(options)
    return kernels.run(options, paths, work, _probe() if options.probe else None)


def run(options: Any) -> Trial:
    """Try the modules in the directories of MODULE=, and print a report; return the results."""
    paths, work = _prepare(options)
    trial = Trial()
    kernel = _kernel(options, paths[0])
    # The guest boots while the modules are compiled. Most source files are a group.
    has_kmemleak = _searches_for_leaks(options, sum(len(list(path.glob('*.c'))) for path in paths))
    with contextlib.closing(sessions.Guest(kernel, work / 'kernel-1.log', options.timeout, has_kmemleak)) as first:
        _try_modules(options, kernel, paths, work, first, trial)
    _print_findings(trial)
    say(f'logs: {work}')
    return trial


def _searches_for_leaks(options: Any, groups: int) -> bool:
    return options.debug or bool(options.cmd) or groups <= MANY


def _try_modules(options: Any, kernel: build.Kernel, paths: list[Path], work: Path, first: sessions.Guest,
                 trial: Trial) -> None:
    """Compile the modules and run them in guests, of which the first one has been started."""
    compilation = _compile(kernel, work / 'modules', paths, trial)
    modules = [sessions.modinfo(path) for name, path in compilation.modules.items() if name != HELPER
               and not _is_used_by_kernel(kernel, path.stem.replace('-', '_'), trial)]
    groups = sessions.groups(modules)
    if options.cmd:
        groups = [[module for group in groups for module in group]] if groups else []
    if not groups:
        return
    settings = {'probe': str(_probe()) if options.probe else '', 'command': options.cmd,
                'helper': str(compilation.modules.get(HELPER, '')),
                'directory': str(paths[0]), 'leaks': _searches_for_leaks(options, len(groups))}
    session = sessions.run(kernel, groups, work, settings, options.timeout, first)
    hz = re.search(r'^CONFIG_HZ=(\d+)$', (kernel.out / '.config').read_text(encoding='utf-8'), re.M)
    printed = _Report(trial, session, {module.name: module for module in modules}, work / 'modules',
                      int(hz[1]) if hz else 100)
    for group in groups:
        names = [module.name for module in group]
        for name in names:
            printed.module(name)
        printed.group(names)
        printed.ended(names)
    printed.leaks()
    _commands(trial, session)
