# SPDX-License-Identifier: GPL-2.0-only
"""Write the results of a run to files: KTAP, and JSON and JUnit XML through kunit.py of the tree."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from host.console import UserError, say
from host.environment import environment
from host.paths import build_root
from kernel.build import Kernel
from verdict.tally import Tally, single

# The kinds of results; each kind has a file in each format.
KINDS = ('kunit', 'kselftest', 'debugger')
FORMATS = ('ktap', 'json', 'xml')

_VERSION = 'KTAP version 1'
_RESULT = re.compile(r'^((?:not )?ok)(?: \d+)? (.*)$')
_PLAN = re.compile(r'^1\.\.(\d+)(?: *# *SKIP *(.*))?$')
_HEADER = re.compile(r'^K?TAP version \d+$')


def from_kselftest(lines: Iterable[str], programs: Iterable[str]) -> list[str]:
    """Return a KTAP document of a kselftest run, with a version, a plan and a result of each program.

    lines: the output of the run. programs: the expected programs, in the form "TARGET:
    NAME". A result that the plan of a program promises and that is missing is a failure.
    """
    body: list[str] = []
    inner: list[str] = []
    missing = list(programs)
    count = 0
    for line in lines:
        result = _RESULT.match(line)
        if result:
            count += 1
            name, _, directive = result[2].partition(' # ')
            missing = [program for program in missing if f'selftests: {program}' != name]
            block, reason = _nested(name, inner)
            if directive == 'SKIP' and reason:
                directive += f' {reason}'
            body += [*block, f'{result[1]} {count} {name}' + (f' # {directive}' if directive else '')]
            inner = []
        elif line.startswith('# ') and not line.startswith('# selftests: '):
            inner.append(line[2:])
        elif not line.startswith('# selftests: '):
            body.append(f'# {line}'.rstrip())
    body += [f'# {line}' for line in inner]
    for program in missing:
        count += 1
        body.append(f'not ok {count} selftests: {program} # did not run')
    return [_VERSION, f'1..{count}', *body]


def _nested(name: str, lines: list[str]) -> tuple[list[str], str]:
    """Return the lines of a program as a nested document, and the reason if it skipped all cases, otherwise ''."""
    plan = next((match for match in map(_PLAN.match, lines) if match), None)
    results = sum(bool(_RESULT.match(line)) for line in lines)
    expected = int(plan[1]) if plan else results
    if not expected:
        return [f'# {line}' for line in lines if not _is_ktap(line)], plan[2] or '' if plan else ''
    block = [_VERSION, f'# Subtest: {name}', f'1..{expected}']
    block += [line if _is_ktap(line) else f'# {line}' for line in lines
              if not _PLAN.match(line) and not _HEADER.match(line)]
    block += [f'not ok {number} has no result' for number in range(results + 1, expected + 1)]
    return [f'  {line}' for line in block], ''


def _is_ktap(line: str) -> bool:
    return bool(_RESULT.match(line) or _PLAN.match(line) or _HEADER.match(line) or line.lstrip().startswith('#'))


def from_debugfs(text: str) -> list[str]:
    """Return a single KTAP document from the results of KUnit in debugfs, a document for each suite."""
    suites = text.split(f'{_VERSION}\n1..1\n')[1:]
    lines = [_VERSION, f'1..{len(suites)}']
    for number, suite in enumerate(suites, 1):
        lines += [re.sub(r'^((?:not )?ok) \d+', rf'\1 {number}', line) for line in suite.splitlines()]
    return lines


def from_cases(names: dict[str, bool]) -> list[str]:
    """Return a KTAP document; names: maps the name of each case to whether it passed."""
    return [_VERSION, f'1..{len(names)}', *(f'{"ok" if passed else "not ok"} {number} {name}'
                                            for number, (name, passed) in enumerate(names.items(), 1))]


def from_log(tree: Path, log: Path) -> list[str]:
    """Return the KTAP document that a kernel log contains."""
    script = tree / 'tools/testing/kunit/kunit.py'
    found = subprocess.run([sys.executable, '-B', script, 'parse', '--raw_output=kunit', log],
                           env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    lines = found.stdout.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.strip() == _VERSION), len(lines))
    return lines[begin:]


class Results:
    """The directory for the results of a run."""

    def __init__(self, directory: str):
        """Create the directory, by default build/results; remove the results of the previous run."""
        self.directory = Path(directory).expanduser().absolute() if directory else build_root() / 'results'
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f'RESULTS={directory}: {error.strerror}') from None
        for kind in KINDS:
            for path in (*(self.directory / f'{kind}.{form}' for form in FORMATS),
                         *self.directory.glob(f'{kind}-kernel*.log')):
                path.unlink(missing_ok=True)

    def add_ktap(self, kind: str, lines: list[str]) -> Path:
        """Write a KTAP document; return its path."""
        path = self.directory / f'{kind}.ktap'
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        return path

    def add(self, kind: str, tree: Path, lines: list[str]) -> None:
        """Write a KTAP document, also as JSON and JUnit XML."""
        path = self.add_ktap(kind, lines)
        script = tree / 'tools/testing/kunit/kunit.py'
        formats = [f'--json={path.with_suffix(".json")}']
        # kunit.py lacks the option before Linux 7.1.
        if script.exists() and '--junit' in script.read_text(encoding='utf-8'):
            formats.append(f'--junit={path.with_suffix(".xml")}')
        # The exit status is ignored: it is that of the tests.
        subprocess.run([sys.executable, '-B', script, 'parse', '--summary', *formats, path], env=environment(),
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        for option in formats:
            written = Path(option.partition('=')[2])
            if not written.exists():
                say(f'{script} cannot read {path}: {written.name} is missing')

    def add_kernel_log(self, kind: str, log: Path, number: int = 0) -> str:
        """Copy a kernel log to the directory; return the file name."""
        name = f'{kind}-kernel{f"-{number}" if number else ""}.log'
        if log.exists():
            shutil.copyfile(log, self.directory / name)
        return name


def _names_alone(results: dict[str, str], targets: list[str]) -> dict[str, str]:
    """Return results with the names that they have in a run of one overlay alone.

    targets: those of kselftest of the overlay. A name has the target only if there are several.
    """
    if len(targets) != 1:
        return results
    prefix = f'kselftest {targets[0]}:'
    return {re.sub(rf'^{re.escape(prefix)}(?! )', 'kselftest ', name): result for name, result in results.items()}


def check(kernel: Kernel, tally: Tally) -> Tally:
    """Run the program of the main overlay that checks results; return a failure for each line of its output."""
    main = kernel.subject.main
    if not main.description.results:
        return Tally()
    program = main.in_folder(main.description.results, 'program that checks results')
    run = json.dumps({'target': kernel.target.name, 'results': _names_alone(tally.results, main.targets)})
    process = subprocess.run([sys.executable, '-B', program], input=run, cwd=main.root, env=environment(),
                             stdout=subprocess.PIPE, text=True, check=False)
    if process.returncode:
        raise UserError(f'{program} ended with {process.returncode}')
    found = Tally()
    for line in process.stdout.splitlines():
        found += single(line, 'failed')
    return found
