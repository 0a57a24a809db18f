# SPDX-License-Identifier: GPL-2.0-only
"""Run modules in a guest: what is loaded together, and what the guest reports."""

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

# How often a module is loaded and unloaded in a row.
CYCLES = 50

# Seconds for one guest.
LIMIT = 300

_MARK = re.compile(r'workbench: try: (.*)$')
_STAMP = re.compile(r'^\[ *\d+\.\d+\] ?')


@dataclass
class Module:
    """A module that was built: what modinfo says of it."""
    name: str
    path: Path
    depends: tuple[str, ...] = ()
    information: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Session:
    """What guests have reported of some groups of modules."""
    events: list[dict[str, Any]] = field(default_factory=list)
    # What the kernel logged: pairs of a step, such as "load hello", and its lines.
    log: list[tuple[str, list[str]]] = field(default_factory=list)
    # The groups in which a guest has ended early, with its status.
    ended: dict[str, int] = field(default_factory=dict)


def modinfo(path: Path) -> Module:
    """Return what modinfo says of a module."""
    result = subprocess.run(['modinfo', path], env=environment(PATH='/usr/sbin:/sbin:/usr/bin:/bin'),
                            capture_output=True, text=True, check=False)
    information: dict[str, list[str]] = {}
    for line in result.stdout.splitlines():
        key, _, value = line.partition(':')
        information.setdefault(key.strip(), []).append(value.strip())
    depends = information.get('depends', [''])[0].replace('-', '_')
    return Module(path.stem.replace('-', '_'), path, tuple(name for name in depends.split(',') if name), information)


def groups(modules: list[Module]) -> list[list[Module]]:
    """Return the modules in groups that depend on each other, each in the order of loading."""
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
    """Return the steps of a kernel log, and the lines of each without their times."""
    steps: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        line = _STAMP.sub('', line.rstrip())
        mark = _MARK.search(line)
        if mark:
            steps.append((mark[1], []))
        elif steps and line and not line.startswith('workbench: guest:'):
            steps[-1][1].append(line)
    return steps


def run(kernel: Kernel, groups_left: list[list[Module]], work: Path, settings: dict[str, Any],
        timeout: int | None = None) -> Session:
    """Run groups of modules in one guest; in another one after each that ends it.

    work: a directory that the guest writes to. settings: more of the plan of the agent.
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
        status = guest.run(kernel, f'python3 -B {WORKBENCH}/trial/agent.py {plan} {report}', log, timeout, LIMIT,
                           out=io.BytesIO(), err=io.BytesIO(), stop_at_report=False, judge=False)
        events = [json.loads(line) for line in report.read_text(encoding='utf-8').splitlines()] \
            if report.exists() else []
        session.events += events
        session.log += _split_log(log.read_text(errors='replace'))
        finished = [event for event in events if event['event'] == 'end']
        if len(finished) < len(groups_left):
            # The guest ended in this group, or because of the group before.
            last = groups_left[len(finished) - (bool(finished) and not finished[-1]['sound'])]
            if not (finished and not finished[-1]['sound']):
                session.ended[last[0].name] = status
                finished.append({})
        groups_left = groups_left[max(1, len(finished)):]
    return session
