# SPDX-License-Identifier: GPL-2.0-only
"""Check that the tests that the manual names have passed.

The manual names them in rows.rst, a table with a fixed set of rows, and in the pages below
pitfalls/. The workbench runs this program after all tests, with the results on its
standard input; each line that it prints is a failure. make check-dkms calls check() with its
own results.
"""

import fnmatch
import json
import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
TABLE = REPO / 'Documentation/lkmdemo/rows.rst'
PITFALLS = REPO / 'Documentation/lkmdemo/pitfalls'

ROWS = [f'R{number:02}' for number in range(1, 35)]

# The rows without a test.
OPEN: set[str] = set()

# The targets of make test, and the target of the tests that only make check-dkms runs.
TARGETS = ('um', 'x86_64')
DKMS = 'dkms'

_ROW = re.compile(r'^   \* - (R\d+)$', re.MULTILINE)

# The name of a test, as in the results of a run, and its target if it does not run on all
# targets. "*" matches the variants of a test.
_TEST = re.compile(r'``((?:kselftest|KUnit|debugger|dkms) [^`]+)``(?:\s+on\s+(\w+))?')


def read(text):
    """Return the rows of the table: their names, and lists of tests with their targets."""
    _, *parts = _ROW.split(text)
    return [(row, _TEST.findall(cells)) for row, cells in zip(parts[::2], parts[1::2])]


def _failures(tests, results, target):
    """Yield a line for each test that did not pass on a target.

    A test without a target runs on all TARGETS.
    """
    for name, only in tests:
        if only and only not in (*TARGETS, DKMS):
            yield f'{name}: there is no target {only}'
        if target not in ([only] if only else TARGETS):
            continue
        # Brackets in a name are literal.
        found = {result for test, result in results.items()
                 if fnmatch.fnmatchcase(test, name.replace('[', '[[]'))}
        if found != {'passed'}:
            yield f'{name}: {" and ".join(sorted(found)) or "did not run"}'


def problems(text, results, target):
    """Return a line for each problem of the table after a run on a target.

    text: the page with the table. results: maps the names of the tests to their results.
    """
    found = []
    table = read(text)
    if [row for row, _ in table] != ROWS:
        found.append(f'the rows must be {ROWS[0]} to {ROWS[-1]}, each once and in this order')
    for row, tests in table:
        if bool(tests) == (row in OPEN):
            found.append(f'{row} names no test' if not tests else f'{row} names a test, but is in OPEN')
        found += (f'{row}: {line}' for line in _failures(tests, results, target))
    return found


def check(results, target):
    """Return a line for each problem of the manual after a run on a target."""
    found = [f'{TABLE.name}: {problem}' for problem in
             problems(TABLE.read_text(encoding='utf-8'), results, target)]
    for page in sorted(PITFALLS.glob('*.rst')):
        tests = _TEST.findall(page.read_text(encoding='utf-8'))
        found += (f'{PITFALLS.name}/{page.name}: {line}'
                  for line in _failures(tests, results, target))
    return found


def main():
    """Print the problems after a run; stdin: {"target": NAME, "results": {TEST: RESULT}}."""
    run = json.load(sys.stdin)
    for line in check(run['results'], run['target']):
        print(line)


if __name__ == '__main__':
    main()
