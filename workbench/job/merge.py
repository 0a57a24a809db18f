# SPDX-License-Identifier: GPL-2.0-only
"""Merge the results of the shards of a job into those of one run."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from host.console import say
from job.bundle import KUNIT, Test
from verdict import ktap
from verdict.count import count_document, kunit_name
from verdict.kselftest import partition
from verdict.results import Results
from verdict.tally import Tally, single

# The file that a shard writes last: its failures and its counts.
VERDICT = 'verdict'
SECONDS = 'seconds'

_RESULT = re.compile(r'^((?:not )?ok) \d+ (.*?)(?: # (.*))?$')

# A failure of a shard that is not one of a case: of its guest, or of its command.
_OF_GUEST = re.compile(r'failed: ((?:kselftest|KUnit|soak SEED=\d+): .*)')


class Shard(NamedTuple):
    """A shard: its number, the number of all shards, the directory with its results, and its tests."""
    number: int
    of: int
    directory: Path
    tests: list[Test]

    def __str__(self) -> str:
        return f'shard {self.number}/{self.of}'

    def has_ended(self) -> bool:
        """Return whether the results are complete."""
        return (self.directory / VERDICT).exists()

    def lines(self, kind: str) -> list[str]:
        """Return the lines of a KTAP document of the shard, none if it is missing."""
        path = self.directory / f'{kind}.ktap'
        return path.read_text(encoding='utf-8', errors='replace').splitlines() if path.exists() else []

    def verdict(self) -> list[str]:
        """Return the lines of the verdict, none if it is missing."""
        return (self.directory / VERDICT).read_text(encoding='utf-8').splitlines() if self.has_ended() else []


def shards(found: list[Test], count: int, directory: Path) -> list[Shard]:
    """Return the shards of tests, as the script of the job computes them; directory: that of all results."""
    seconds = {str(number): test.seconds for number, test in enumerate(found)}
    shares = partition(list(seconds), seconds, count)
    return [Shard(number, len(shares), directory / str(number), [found[int(name)] for name in share])
            for number, share in enumerate(shares, 1)]


def _title(test: Test) -> str:
    return f'selftests: {test.target}: {test.name}'


def _blocks(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the lines of each program in a document of kselftest, by its name, without the number of its result."""
    block: list[str] = []
    for line in lines[2:]:
        match = _RESULT.match(line)
        if match:
            yield match[2], [*block, f'{match[1]} {match[2]}' + (f' # {match[3]}' if match[3] else '')]
            block = []
        elif not line.startswith('# kselftest-kernel'):
            block.append(line)


def _of_kselftest(parts: list[Shard]) -> list[str]:
    """Return the document of all shards; a program of a shard without results is a failure."""
    found: list[str] = []
    number = 0
    for shard in parts:
        blocks = dict(_blocks(shard.lines('kselftest'))) if shard.has_ended() else {}
        for test in shard.tests:
            if test.kind == KUNIT:
                continue
            number += 1
            block = blocks.get(_title(test), [f'not ok {_title(test)} # did not run: {shard} has no results'])
            status, _, rest = block[-1].partition('ok ')
            found += [*block[:-1], f'{status}ok {number} {rest}']
    return ['KTAP version 1', f'1..{number}', *found]


def _add_logs(parts: list[Shard], results: Results) -> list[str]:
    """Copy the kernel logs of the shards; return lines that name the programs of each."""
    lines = []
    number = 0
    for shard in parts:
        if not shard.has_ended():
            continue
        if (shard.directory / 'kunit-kernel.log').exists():
            results.add_kernel_log('kunit', shard.directory / 'kunit-kernel.log')
        programs = dict(re.findall(r'^# (kselftest-kernel-\d+\.log): (.*)$', '\n'.join(shard.lines('kselftest')), re.M))
        for log in sorted(shard.directory.glob('kselftest-kernel-*.log')):
            number += 1
            name = results.add_kernel_log('kselftest', log, number)
            lines.append(f'# {name}: {programs.get(log.name, "")}')
    return lines


def _failures(parts: list[Shard]) -> Tally:
    """Return the failures of shards that are not those of a case."""
    tally = Tally()
    for shard in parts:
        names = [_OF_GUEST.fullmatch(line) for line in shard.verdict()]
        for match in filter(None, names):
            tally += single(f'{shard}: {match[1]}' if shard.of > 1 else match[1], 'failed')
        if not shard.has_ended():
            names_of_tests = ' '.join(test.name for test in shard.tests)
            tally += single(f'{shard} has no results', 'failed', names_of_tests and f'its tests: {names_of_tests}')
    return tally


def merge_soak(parts: list[Shard]) -> Tally:
    """Return the tally of shards that made random calls: a case for each."""
    tally = _failures(parts)
    for shard in parts:
        if shard.verdict() and not any(line.startswith('failed: ') for line in shard.verdict()):
            tally += single(f'{shard}: soak', 'passed')
    return tally


def _count_kunit(lines: list[str]) -> Tally:
    tally = Tally()
    for path, result, reason in ktap.cases(lines):
        tally += single(kunit_name(path), result, reason)
    return tally


def seconds(parts: list[Shard]) -> dict[str, float]:
    """Return the seconds of each test that has ended, by its name."""
    found = {}
    for shard in parts:
        path = shard.directory / SECONDS
        for line in path.read_text(encoding='utf-8').splitlines() if path.exists() else ():
            name, _, value = line.partition('\t')
            found[name] = round(float(value), 2)
    return found


def merge(parts: list[Shard], tree: Path | None, results: Results | None) -> Tally:
    """Return the tally of all shards, and write their results; tree: that with kunit.py."""
    tally = _failures(parts)
    documents = [shard.lines('kunit') for shard in parts if shard.has_ended()]
    of_kunit: list[str] = next(filter(None, documents), [])
    of_kselftest = _of_kselftest(parts)
    has_programs = any(test.kind != KUNIT for shard in parts for test in shard.tests)
    if results and tree:
        of_kselftest += _add_logs(parts, results)
        if of_kunit:
            results.add('kunit', tree, of_kunit)
        if has_programs:
            results.add('kselftest', tree, of_kselftest)
    if of_kunit:
        tally += _count_kunit(of_kunit)
    if has_programs:
        tally += count_document(of_kselftest, [f'{test.target}: {test.name}' for shard in parts for test in shard.tests
                                               if test.kind != KUNIT])
    return tally


def show(parts: list[Shard]) -> None:
    """Print a line for each shard."""
    for shard in parts:
        say(f'{shard}: {shard.verdict()[-1] if shard.verdict() else "no results"}')


def clear(directory: Path) -> None:
    """Remove the results of the previous run."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
