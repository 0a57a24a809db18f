# SPDX-License-Identifier: GPL-2.0-only
"""Measure which lines and branches of the driver its tests run.

The counters of gcov are those of the driver's objects only. Each guest writes them to files
when its tests have ended; lcov adds them up. A file of the overlay, coverage.toml, gives the
reason for each branch that no test takes:

    [[branch]]
    file = "drivers/misc/widget/main.c"
    line = "if (!hdr || nla_put_u32(reply, WIDGET_A_LENGTH, length))"
    count = 2
    reason = "the message has room for its attributes"

"line" is the text of the line, and "count" the number of its branches that are not taken, all
those of equal lines together. A line that does not run has the count 0 in place of that.
"""

import collections
import csv
import datetime
import os
import shlex
import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from host.console import UserError, say
from host.paths import build_root
from host.process import run_logged
from kernel import build
from machine.um import UM
from subject.overlay import Overlay
from subject.subject import Subject
from verdict import kselftest, kunit
from verdict.tally import Tally, single

DIRECTORY = 'coverage'
REASONS = 'coverage.toml'

# The tables, which a manual can include.
FILES, BRANCHES = 'coverage.csv', 'coverage-branches.csv'

# The number of processors for KUnit: all that the kernel supports, so that loops over them
# reach the end of a mask.
_PROCESSORS = 8

_LCOV = ('lcov', '--rc', 'lcov_branch_coverage=1')
_KEYS = {'file': str, 'line': str, 'count': int, 'reason': str}


class Source(NamedTuple):
    """The counts of a file. lines: by their numbers. branches: those of each line."""
    lines: dict[int, int]
    branches: dict[int, list[int]]


class Place(NamedTuple):
    """A line of a file, by its text."""
    file: str
    line: str


class Reason(NamedTuple):
    """Why a number of branches of a line are not taken; with the number 0, why the line does not run."""
    number: int
    text: str


def _collect(kernel: build.Kernel, directory: Path) -> str:
    """Return the shell command with which a guest writes its counters to a directory of the host."""
    return '\n'.join([
        f'cd {shlex.quote(f"/sys/kernel/debug/gcov{kernel.out.resolve()}")} || exit 1',
        "find . -name '*.gcda' | while IFS= read -r file; do",
        f'	mkdir -p {shlex.quote(str(directory))}/"${{file%/*}}"',
        f'	cat "$file" >{shlex.quote(str(directory))}/"$file"',
        'done'])


def _capture(kernel: build.Kernel, directory: Path, log: Path) -> Path:
    """Return the file of lcov for the counters that a guest wrote to a directory."""
    counters = sorted(directory.glob('**/*.gcda'))
    if not counters:
        raise UserError(f'{directory} has no counters: the guest did not write them')
    for path in counters:
        notes = path.with_suffix('.gcno')
        shutil.copy(kernel.out / notes.relative_to(directory), notes)
    info = directory.with_suffix('.info')
    run_logged([*_LCOV, '--capture', '--directory', directory, '--base-directory', kernel.out,
                '--output-file', info], log, f'reading the counters of {directory.name}')
    return info


def parse(text: str, top: str) -> dict[str, Source]:
    """Return the files in a file of lcov, by their paths below a directory, top.

    A branch of a line that did not run counts as not taken.
    """
    found: dict[str, Source] = {}
    current = Source({}, {})
    for line in text.splitlines():
        kind, _, value = line.partition(':')
        if kind == 'SF':
            current = Source({}, {})
            if value.startswith(f'{top}/'):
                current = found.setdefault(value.removeprefix(f'{top}/'), current)
        elif kind == 'DA':
            number, count = value.split(',')[:2]
            current.lines[int(number)] = int(count)
        elif kind == 'BRDA':
            number, _, _, taken = value.split(',')
            current.branches.setdefault(int(number), []).append(0 if taken == '-' else int(taken))
    return found


def load_reasons(overlay: Overlay) -> dict[Place, Reason]:
    """Return the reasons of an overlay; none if it has no file with them. Raise UserError for an invalid one."""
    path = overlay.folder / REASONS
    if not path.exists():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding='utf-8'))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f'{path}: {error}') from None
    found: dict[Place, Reason] = {}
    entries = content.pop('branch', [])
    if content or not isinstance(entries, list):
        raise UserError(f'{path}: it may contain [[branch]] only')
    for number, entry in enumerate(entries, 1):
        if {key: type(value) for key, value in entry.items()} != _KEYS:
            raise UserError(f'{path}: branch {number} must have the keys {", ".join(_KEYS)}, and count is a number')
        place = Place(entry['file'], entry['line'])
        if place in found:
            raise UserError(f'{path}: branch {number}: there are two reasons for {place.file}: {place.line}')
        found[place] = Reason(entry['count'], entry['reason'])
    return found


def _not_taken(sources: dict[str, Source], texts: dict[str, list[str]]) -> dict[Place, int]:
    """Return the number of branches that are not taken, by their lines; texts: the lines of each file."""
    counts: dict[Place, int] = collections.Counter()
    for file, source in sources.items():
        for number, branches in source.branches.items():
            if 0 in branches:
                counts[Place(file, texts[file][number - 1].strip())] += branches.count(0)
    return counts


def judge(sources: dict[str, Source], texts: dict[str, list[str]], reasons: dict[Place, Reason]) -> Tally:
    """Return a tally with a case for each file: whether each line runs, and each branch is taken or has a reason.

    texts: the lines of each file.
    """
    counts = _not_taken(sources, texts)
    problems: dict[str, list[str]] = {file: [] for file in sources}
    idle = {Place(file, texts[file][number - 1].strip()): number for file, source in sources.items()
            for number, count in source.lines.items() if not count}
    of_lines = {place for place, reason in reasons.items() if not reason.number}
    for place, number in idle.items():
        if place not in of_lines:
            problems[place.file].append(f'line {number} does not run: {place.line}')
    for place in sorted(of_lines - idle.keys()):
        problems.setdefault(place.file, []).append(f'{REASONS} gives a reason for a line that runs: {place.line}')
    for place in sorted({*counts, *reasons} - of_lines):
        count, reason = counts.get(place, 0), reasons.get(place)
        allowed = reason.number if reason else 0
        if count != allowed:
            problems.setdefault(place.file, []).append(
                f'branches not taken: {count}, with a reason in {REASONS}: {allowed}: {place.line}')
    tally = Tally()
    for file, found in sorted(problems.items()):
        tally += single(f'coverage of {file}', 'failed' if found else 'passed', '; '.join(found))
    return tally


def _percent(part: int, whole: int) -> str:
    # Rounded down, so that 100 % means all.
    return f'{part * 1000 // whole / 10:.1f} %' if whole else '-'


def rows(sources: dict[str, Source]) -> list[tuple[str, ...]]:
    """Return the rows of the table of files: lines, how many of them run, branches, how many of them are taken."""
    found = []
    total = [0, 0, 0, 0]
    for file, source in sorted(sources.items()):
        branches = [count for counts in source.branches.values() for count in counts]
        numbers = [len(source.lines), sum(map(bool, source.lines.values())), len(branches), sum(map(bool, branches))]
        total = [sum(pair) for pair in zip(total, numbers)]
        found.append((file, numbers))
    return [(file, str(numbers[0]), _percent(numbers[1], numbers[0]), str(numbers[2]),
             _percent(numbers[3], numbers[2])) for file, numbers in [*found, ('all files', total)]]


def write_table(path: Path, header: Iterable[str], lines: Iterable[Iterable[str]]) -> None:
    """Write a table of comma-separated values atomically."""
    part = path.with_name(f'{path.name}.part')
    with open(part, 'w', encoding='utf-8', newline='') as out:
        csv.writer(out, lineterminator='\n').writerows([header, *lines])
    os.replace(part, path)


def branch_rows(reasons: dict[Place, Reason]) -> list[tuple[str, ...]]:
    """Return the rows of the table of branches that are not taken and of lines that do not run."""
    return [(place.file, f'``{place.line}``', str(reason.number) if reason.number else 'the line', reason.text)
            for place, reason in sorted(reasons.items())]


def _write(kernel: build.Kernel, table: list[tuple[str, ...]], reasons: dict[Place, Reason], out: Path) -> None:
    """Write the tables, and print the one of files."""
    origin = (kernel.release(), datetime.date.today().isoformat())
    write_table(out / FILES, ('File', 'Lines', 'Run', 'Branches', 'Taken', 'Linux', 'Date'),
                [(*row, *origin) for row in table])
    write_table(out / BRANCHES, ('File', 'Line', 'Branches', 'Reason'), branch_rows(reasons))
    width = max(len(row[0]) for row in table)
    print(f'{"":{width}}  {"lines":>6} {"run":>8}  {"branches":>8} {"taken":>8}')
    for row in table:
        print(f'{row[0]:{width}}  {row[1]:>6} {row[2]:>8}  {row[3]:>8} {row[4]:>8}')


def _run_tests(kernel: build.Kernel, subject: Subject, out: Path) -> Tally:
    """Run all tests; their guests write the counters to directories in out."""
    tally = Tally()
    if subject.has_kunit:
        tally += kunit.kunit_modules(kernel, show=False, afterwards=_collect(kernel, out / 'kunit'),
                                     processors=_PROCESSORS)
    if subject.targets:
        tally += kselftest.run(kernel, afterwards=lambda number: _collect(kernel, out / f'kselftest-{number}'))
    return tally


def _add_up(kernel: build.Kernel, subject: Subject, out: Path) -> Path:
    """Add up the counters of all guests, and write the report; return the file of lcov."""
    log, total, part = out / 'lcov.log', out / 'coverage.info', out / 'coverage.info.part'
    top = kernel.tree.resolve()
    infos = [_capture(kernel, path, log) for path in sorted((out / 'counters').iterdir()) if path.is_dir()]
    run_logged([*_LCOV, *(argument for info in infos for argument in ('--add-tracefile', info)),
                '--output-file', part], log, 'adding up the counters')
    patterns = [str(top / (f'{source}*' if source.endswith('/') else source))
                for source in subject.sources if '_kunit' not in source]
    run_logged([*_LCOV, '--extract', part, *patterns, '--output-file', total], log, 'selecting the driver')
    run_logged(['genhtml', '--rc', 'genhtml_branch_coverage=1', '--branch-coverage', '--legend',
                '--prefix', str(top), '--title', f'{subject.name}, Linux {kernel.release()}',
                '--output-directory', out / 'html', total], log, 'writing the report')
    part.unlink()
    return total


def run(tree: Path, subject: Subject) -> Tally:
    """Run all tests on a um kernel with counters, and write a report to build/coverage; return the tally.

    Each file of the driver is a case, which fails if a line does not run or if a branch is
    not taken without a reason. Raise UserError if there are no tests.
    """
    if not subject.has_kunit and not subject.targets:
        raise UserError(f'{subject.name} has no tests')
    reasons = {place: reason for overlay in subject.overlays if overlay.description.folder
               for place, reason in load_reasons(overlay).items()}
    kernel = build.Kernel(tree, UM, subject, 'coverage', seed=build.Kernel(tree, UM, subject))
    build.build(kernel)
    out = build_root() / DIRECTORY
    shutil.rmtree(out, ignore_errors=True)
    (out / 'counters').mkdir(parents=True)
    tally = _run_tests(kernel, subject, out / 'counters')
    if tally.failed:
        return tally
    total = _add_up(kernel, subject, out)
    sources = parse(total.read_text(encoding='utf-8'), str(tree.resolve()))
    texts = {file: (tree / file).read_text(encoding='utf-8').splitlines() for file in sources}
    _write(kernel, rows(sources), reasons, out)
    say(f'report: {out / "html/index.html"}')
    say(f'tables: {out / FILES}, {out / BRANCHES}')
    return tally + judge(sources, texts, reasons)
