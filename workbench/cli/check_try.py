# SPDX-License-Identifier: GPL-2.0-only
"""Try modules with known mistakes: exactly these mistakes must be found."""

import dataclasses
import tempfile
import tomllib
from pathlib import Path

from cli.options import Options
from host.console import say
from host.paths import WORKBENCH, build_root
from trial import hints, trial
from trial.trial import Trial
from verdict.tally import Tally, single

DATA = WORKBENCH / 'tests/data'


def _try(options: Options, pattern: str) -> Trial:
    """Try the files that match a pattern, in a new directory, where each of them is a module."""
    with tempfile.TemporaryDirectory(dir=build_root(), prefix='try-') as directory:
        for path in sorted(DATA.glob(pattern)):
            (Path(directory) / path.name).symlink_to(path)
        # Some of the files have no entry point.
        objects = ''.join(f'obj-m += {path.stem}.o\n' for path in sorted(DATA.glob(pattern)))
        (Path(directory) / 'Kbuild').write_text(objects, encoding='utf-8')
        return trial.run(dataclasses.replace(options, module=(directory,), debug=True))


def _outcome(name: str, problem: str) -> Tally:
    return single(name, 'failed' if problem else 'passed', problem)


def _kinds(found: Trial) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for finding in found.findings:
        kinds.setdefault(finding.module, set()).add(finding.kind)
    return kinds


def _mistakes(options: Options) -> Tally:
    expected = tomllib.loads((DATA / 'modules/expected.toml').read_text(encoding='utf-8'))
    kinds = _kinds(_try(options, 'modules/mistake_*.c'))
    tally = Tally()
    for path in sorted(DATA.glob('modules/mistake_*.c')):
        kind, found = expected.get(path.stem, ''), kinds.get(path.stem, set())
        problem = '' if kind in found else f'found {", ".join(sorted(found)) or "nothing"} instead of {kind}'
        tally += _outcome(f'try {path.stem}', problem)
    return tally


def _correct(options: Options, pattern: str) -> Tally:
    kinds = _kinds(_try(options, pattern))
    tally = Tally()
    for path in sorted(DATA.glob(pattern)):
        found = kinds.get(path.stem, set())
        tally += _outcome(f'try {path.stem}', f'found {", ".join(sorted(found))}' if found else '')
    return tally


def _hints(options: Options) -> Tally:
    found = _try(options, 'hints/*.c')
    details: dict[str, tuple[str, ...]] = {}
    for finding in found.findings:
        details[finding.module] = (*details.get(finding.module, ()), *finding.details)
    tally = Tally()
    for hint in hints.load():
        is_printed = any(hint.code in line for line in details.get(hint.name, ()))
        tally += _outcome(f'hint {hint.name}', '' if is_printed else 'it is not printed')
    return tally


def run(options: Options) -> Tally:
    """Try all modules; return the tally."""
    total = Tally()
    for title, tally in (('hints', _hints(options)), ('mistakes', _mistakes(options)),
                         ('correct twins', _correct(options, 'modules/right_*.c')),
                         ('examples', _correct(options, 'examples/*.c'))):
        say(f'{title}: {tally}')
        total += tally
    return total
