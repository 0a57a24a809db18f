# SPDX-License-Identifier: GPL-2.0-only
"""Run modules in guests: divide them into groups, and read the reports of the guests."""

import concurrent.futures
import contextlib
import io
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host.environment import environment
from host.paths import WORKBENCH
from kernel.build import Kernel
from machine import guest
from machine.gate import Gate
from trial.sources import HELPER

# The number of times that a module is loaded and unloaded.
CYCLES = 50

# The default limit for a guest, in seconds.
LIMIT = 300

_MARK = re.compile(r'workbench: try: (.*)$')
_STAMP = re.compile(r'^\[ *\d+\.\d+\] ?')


@dataclass
class Module:
    """A built module; depends: the modules that it requires. information: the output of modinfo."""
    name: str
    path: Path
    depends: tuple[str, ...] = ()
    information: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Session:
    """The reports of the guests about groups of modules.

    log: the steps of the kernel log, such as "load hello", with their lines. ended: the
    statuses of guests that ended early, by the first module of the group.
    """
    events: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[str, list[str]]] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)


def modinfo(path: Path) -> Module:
    """Return the module in a file, with the output of modinfo."""
    result = subprocess.run(['modinfo', path], env=environment(PATH='/usr/sbin:/sbin:/usr/bin:/bin'),
                            capture_output=True, text=True, check=False)
    information: dict[str, list[str]] = {}
    for line in result.stdout.splitlines():
        key, _, value = line.partition(':')
        information.setdefault(key.strip(), []).append(value.strip())
    depends = information.get('depends', [''])[0].replace('-', '_').split(',')
    return Module(path.stem.replace('-', '_'), path,
                  tuple(name for name in depends if name and name != HELPER), information)


def groups(modules: list[Module]) -> list[list[Module]]:
    """Divide modules into groups that depend on each other; each group is in the order of loading."""
    known = {module.name: module for module in modules}
    owner = {module.name: module.name for module in modules}

    def root(name: str) -> str:
        while owner[name] != name:
            name = owner[name]
        return name

    for module in modules:
        for name in module.depends:
            if name in known:
                owner[root(module.name)] = root(name)
    members: dict[str, list[Module]] = {}
    for module in modules:
        members.setdefault(root(module.name), []).append(module)
    return [_ordered(group, known) for group in members.values()]


def _ordered(group: list[Module], known: dict[str, Module]) -> list[Module]:
    ordered: list[Module] = []

    def add(module: Module) -> None:
        if module in ordered:
            return
        for name in module.depends:
            if name in known:
                add(known[name])
        ordered.append(module)

    for module in group:
        add(module)
    return ordered


def _split_log(text: str) -> list[tuple[str, list[str]]]:
    """Return the steps of a kernel log, each with its lines without timestamps."""
    steps: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        line = _STAMP.sub('', line.rstrip())
        mark = _MARK.search(line)
        if mark:
            steps.append((mark[1], []))
        elif steps and line and not line.startswith('workbench: guest:'):
            steps[-1][1].append(line)
    return steps


class Guest:
    """A guest that boots at once, and waits for its command.

    has_kmemleak: whether its kernel tracks memory.
    """

    def __init__(self, kernel: Kernel, log: Path, timeout: int | None, has_kmemleak: bool):
        self.has_kmemleak = has_kmemleak
        self._is_unused = False
        self._gate = Gate()
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        # kmemleak records a stack for each allocation, which takes half of the time.
        options = () if has_kmemleak else ('kmemleak=off',)
        self._end = self._pool.submit(
            guest.run, kernel, '', log, timeout, LIMIT, out=io.BytesIO(), err=io.BytesIO(), stop_at_report=False,
            judge=False, options=options, gate=self._gate, should_stop=lambda: self._is_unused)

    def run(self, command: str) -> int:
        """Run a shell command; return the status of guest.run()."""
        self._gate.open(command)
        return self._end.result()

    def close(self) -> None:
        """Stop the guest, if it still runs."""
        self._is_unused = True
        concurrent.futures.wait([self._end])
        self._gate.close()
        self._pool.shutdown()


def run(kernel: Kernel, groups_left: list[list[Module]], work: Path, settings: dict[str, Any],
        timeout: int | None = None, first: Guest | None = None) -> Session:
    """Run groups of modules in a guest, and in a new one after each group that ends the guest.

    work: a directory that the guest can write to. settings: further entries of the plan for
    the agent, among them "leaks", whether it searches for leaks. first: the first guest, with
    the log kernel-1.log; it is not used unless it agrees with the settings.
    """
    session = Session()
    number = 0
    while groups_left:
        number += 1
        plan, report = work / f'plan-{number}.json', work / f'report-{number}.json'
        plan.write_text(json.dumps({**settings, 'cycles': CYCLES - 1, 'groups': [
            {'modules': [{'name': module.name, 'path': str(module.path), 'parameters': []} for module in group]}
            for group in groups_left]}), encoding='utf-8')
        report.unlink(missing_ok=True)
        log = work / f'kernel-{number}.log'
        command = f'python3 -BIS {WORKBENCH}/trial/agent.py {plan} {report}'
        if number == 1 and first and first.has_kmemleak == settings['leaks']:
            status = first.run(command)
        else:
            if first:
                first.close()
            with contextlib.closing(Guest(kernel, log, timeout, settings['leaks'])) as other:
                status = other.run(command)
        events = [json.loads(line) for line in report.read_text(encoding='utf-8').splitlines()] \
            if report.exists() else []
        for event in events:
            event['guest'] = number
        session.events += events
        session.log += _split_log(log.read_text(errors='replace'))
        finished = [event for event in events if event['event'] == 'end']
        if len(finished) < len(groups_left):
            # The guest ended in this group, or the previous group left the kernel unsound.
            last = groups_left[len(finished) - (bool(finished) and not finished[-1]['sound'])]
            if not (finished and not finished[-1]['sound']):
                session.ended[last[0].name] = status
                finished.append({})
        groups_left = groups_left[max(1, len(finished)):]
    return session
