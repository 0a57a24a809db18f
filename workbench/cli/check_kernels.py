# SPDX-License-Identifier: GPL-2.0-only
"""Test the driver on all kernels and architectures that the workbench knows, and write a table of the results.

The results of each row are stored, so that a run of some rows updates the table.
"""

import contextlib
import csv
import dataclasses
import datetime
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from cli.options import OF_ARCH, Options
from host.console import UserError, say
from host.paths import build_root
from kernel.architecture import ARCHITECTURES
from verdict.tally import Tally, single

TABLE = 'kernels.csv'
_HEADER = ('Kernel', 'Tests', 'Passed', 'Failed', 'Skipped', 'Reasons', 'Date')

# The kernels of Debian.
_OF_DEBIAN = ('6.1', '6.12', '7.2', '7.3')


class Row(NamedTuple):
    """A row of the table: the kernel, the kind of tests, and the options that run them."""
    kernel: str
    tests: str
    options: dict[str, str]


def rows(version: str) -> list[Row]:
    """Return all rows; version: that of the mainline kernel."""
    return [*(Row(f'{debian}, Debian, x86_64', 'kselftest', {'target': 'distro', 'kernel': debian})
              for debian in _OF_DEBIAN),
            *(Row(f'{version}, {target}', tests, {'target': target})
              for target in ('um', 'x86_64') for tests in ('KUnit', 'kselftest')),
            *(Row(f'{version}, {arch}', 'KUnit', {'arch': arch}) for arch in ARCHITECTURES),
            *(Row(f'{version}, {arch}', 'kselftest', {'arch': arch}) for arch in OF_ARCH)]


def selected(options: Options) -> list[Row]:
    """Return the rows of the kernels in KERNELS= and of the architecture in ARCH=, all if neither is given."""
    def is_selected(row: Row) -> bool:
        return row.options.get('kernel') in options.kernels or 'arch' in row.options \
            and row.options['arch'] == options.arch

    found = rows(options.kernel)
    return [row for row in found if is_selected(row)] if options.kernels or options.arch else found


def line(row: Row, tally: Tally, date: str) -> tuple[str, ...]:
    """Return the cells of a row; the reasons of skipped cases are listed once each."""
    reasons = dict.fromkeys(tally.reasons.get(name, '') for name, result in tally.results.items()
                            if result == 'skipped')
    return (row.kernel, row.tests, str(tally.passed), str(tally.failed), str(tally.skipped),
            '; '.join(sorted(filter(None, reasons))), date)


def _store(cells: tuple[str, ...], version: str) -> None:
    """Store the cells of a row, and write the table with all stored rows."""
    state, table = build_root() / 'check-kernels/rows.json', build_root() / TABLE
    stored = json.loads(state.read_text(encoding='utf-8')) if state.exists() else []
    lines = {tuple(each[:2]): each for each in [*stored, list(cells)]}
    order = [(row.kernel, row.tests) for row in rows(version)]
    kept = [lines[key] for key in order if key in lines]
    for path, write in ((state, lambda out: json.dump(kept, out, indent=1)),
                        (table, lambda out: csv.writer(out, lineterminator='\n').writerows([_HEADER, *kept]))):
        part = path.with_name(f'{path.name}.part')
        with open(part, 'w', encoding='utf-8', newline='') as out:
            write(out)
        os.replace(part, path)


@contextlib.contextmanager
def _output_in(log: Path) -> Iterator[None]:
    """Redirect the output of this process and of its children to a file."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with open(log, 'wb') as out:
            os.dup2(out.fileno(), 1)
        yield
        sys.stdout.flush()
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def run(options: Options, tests: dict[str, Callable[[Options], Tally]]) -> Tally:
    """Run the tests of the selected rows, of which an error fails only its own; return the tally.

    tests: maps the kinds of tests to functions that run them.
    """
    logs = build_root() / 'check-kernels'
    logs.mkdir(exist_ok=True)
    total = Tally()
    for row in selected(options):
        log = logs / f'{row.tests}-{row.kernel.replace(", ", "-")}.log'
        say(f'{row.tests} on {row.kernel}; log: {log}')
        with _output_in(log):
            try:
                tally = tests[row.tests](dataclasses.replace(options, **{'kernels': (), 'arch': '', **row.options}))
            except UserError as error:
                tally = single(f'{row.tests} on {row.kernel}', 'failed', str(error).splitlines()[0])
        say(f'{row.tests} on {row.kernel}: {tally}')
        renamed = Tally(tally.passed, tally.failed, tally.skipped,
                        {f'{row.kernel}: {name}': result for name, result in tally.results.items()},
                        {f'{row.kernel}: {name}': reason for name, reason in tally.reasons.items()})
        total += renamed
        _store(line(row, tally, datetime.date.today().isoformat()), options.kernel)
    say(f'table: {build_root() / TABLE}')
    return total
