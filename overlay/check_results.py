# SPDX-License-Identifier: GPL-2.0-only
"""Check that the tests that the manual names have passed.

The manual names them in rows.rst, a table whose rows must be complete, and in the
pages under pitfalls/. The workbench runs this program after all tests, with the
results on its standard input; each line that it prints is a failure.
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

# Those that no test shows yet.
OPEN = {'R29'}

_ROW = re.compile(r'^   \* - (R\d+)$', re.MULTILINE)

# The name of a test as the report of a run has it, and the one target that runs
# it, if not all do. A "*" stands for the variants of a test.
_TEST = re.compile(r'``((?:kselftest|KUnit|debugger) [^`]+)``(?:\s+on\s+(\w+))?')


def read(text):
    """Return the tests of each row: a list of names with their targets."""
    _, *parts = _ROW.split(text)
    return [(row, _TEST.findall(cells)) for row, cells in zip(parts[::2], parts[1::2])]


def _broken(tests, results, target):
    """Yield those of some tests that did not pass, a line each."""
    for name, only in tests:
        if only and only != target:
            continue
        # Brackets have no meaning of their own in a name.
        found = {result for test, result in results.items()
                 if fnmatch.fnmatchcase(test, name.replace('[', '[[]'))}
        if found != {'passed'}:
            yield f'{name}: {" and ".join(sorted(found)) or "did not run"}'


def problems(text, results, target):
    """Return what is wrong with the table, a line each, after a run on a target.

    results: the result of each test of the run, by its name.
    """
    found = []
    table = read(text)
    if [row for row, _ in table] != ROWS:
        found.append(f'the rows are not {ROWS[0]} to {ROWS[-1]}, once each and in order')
    for row, tests in table:
        if bool(tests) == (row in OPEN):
            found.append(f'{row} names no test' if not tests else f'{row} is not open any more')
        found += (f'{row}: {line}' for line in _broken(tests, results, target))
    return found


def check(results, target):
    """Return what is wrong with the manual."""
    found = [f'{TABLE.name}: {problem}' for problem in
             problems(TABLE.read_text(encoding='utf-8'), results, target)]
    for page in sorted(PITFALLS.glob('*.rst')):
        tests = _TEST.findall(page.read_text(encoding='utf-8'))
        found += (f'{PITFALLS.name}/{page.name}: {line}'
                  for line in _broken(tests, results, target))
    return found


def main():
    """Print what is wrong after a run: {"target": NAME, "results": {TEST: RESULT}} on standard input."""
    run = json.load(sys.stdin)
    for line in check(run['results'], run['target']):
        print(line)


if __name__ == '__main__':
    main()
