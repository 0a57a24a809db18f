# SPDX-License-Identifier: GPL-2.0-only
"""What earlier runs have shown, and whether that still holds.

Each result is kept with digests of all that it depends on. It is evidence only
as long as all of them are the same.
"""

import datetime
import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Optional

from host import checkout
from host.console import say
from host.paths import REPO, build_root
from kernel import build
from subject import graft
from verdict.tally import Tally

LAST_TEST, LAST_LINT = 'last-test.json', 'last-lint.json'

# Files of the workbench that no result depends on.
_NO_PART = ('workbench/tests/', 'workbench/help', 'workbench/series/cover')
_SERIES = 'workbench/series/'

# What turns sources into a kernel, and finds warnings in them.
TOOLS = ('gcc', 'ld', 'as', 'make', 'sparse')

# What the programs of a kernel tree leave in it.
_LEFT = ('.git', '__pycache__')


def _digest(items: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for item in items:
        digest.update(repr(item).encode() + b'\n')
    return digest.hexdigest()


def _contents(root: Path, paths: Iterable[str]) -> str:
    return _digest((path, hashlib.sha256((root / path).read_bytes()).hexdigest(), os.access(root / path, os.X_OK))
                   for path in sorted(paths))


def _driver(tree: Path) -> str:
    """The driver and its tests, as they stand in the tree."""
    return _contents(tree, (path for path in graft.Record(tree).files if not path.startswith('Documentation/')))


def _kernel(tree: Path) -> str:
    """The rest of the tree, by the sizes and times of its files; those that graft changes, by content."""
    owned = set(graft.owned(tree))

    def stats():
        for directory, directories, names in os.walk(tree):
            directories[:] = sorted(name for name in directories if name not in _LEFT)
            for name in sorted(names):
                path = os.path.relpath(os.path.join(directory, name), tree)
                if path not in owned:
                    about = os.lstat(tree / path)
                    yield path, about.st_size, about.st_mtime_ns
        for path in graft.Record(tree).lines:
            yield path, hashlib.sha256(graft.pristine(tree, path)).hexdigest()

    return _digest(stats())


def _tools() -> str:
    def stats():
        for name in TOOLS:
            path = shutil.which(name, path=build.compiler_environment()['PATH'])
            about = os.stat(path) if path else None
            yield name, path and (os.path.realpath(path), about.st_size, about.st_mtime_ns)

    return _digest(stats())


def about(tree: Path) -> dict[str, str]:
    """Digests of what a result on a grafted tree depends on."""
    own = [path for path in checkout.files('workbench') if not path.startswith(_NO_PART)]
    series = [path for path in own if path.startswith(_SERIES)]
    return {'driver': _driver(tree),
            'kernel source': _kernel(tree),
            'compiler': _tools(),
            'descriptions of the series': _contents(REPO, series),
            'workbench': _contents(REPO, set(own) - set(series))}


# A test run is of the driver as a whole.
_NOT_FOR_TESTS = ('descriptions of the series',)


def changed(kept: dict[str, str], present: dict[str, str], without: Iterable[str] = ()) -> list[str]:
    """The names of what is not as it was."""
    return [name for name, digest in present.items() if name not in without and kept.get(name) != digest]


def _test_file() -> Path:
    return build_root() / LAST_TEST


def _lint_file() -> Path:
    return build_root() / LAST_LINT


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}


def _write(path: Path, value: Any) -> None:
    part = path.with_name(f'{path.name}.part')
    part.write_text(json.dumps(value, indent=1) + '\n', encoding='utf-8')
    os.replace(part, path)


def _holds_after(before: dict[str, str], tree: Path, without: Iterable[str] = ()) -> bool:
    different = changed(before, about(tree), without)
    if different:
        say(f'changed during the run, whose result is not kept: {", ".join(different)}')
    return not different


def remember_tests(before: dict[str, str], kernel: build.Kernel, of_kunit: Tally, of_kselftest: Tally) -> None:
    """Keep the tallies of a whole test run; before: what about() has said before it."""
    if not _holds_after(before, kernel.tree, _NOT_FOR_TESTS):
        return
    tally = of_kunit + of_kselftest
    _write(_test_file(), {**_runs(), kernel.name: {
        'kernel': kernel.name, 'release': kernel.release(), 'date': datetime.date.today().isoformat(),
        'about': before, 'kunit': of_kunit.passed, 'kselftest': of_kselftest.passed,
        'passed': tally.passed, 'failed': tally.failed, 'skipped': tally.skipped}})


def _runs() -> dict[str, dict]:
    """The last test run on each kind of kernel."""
    runs = _read(_test_file())
    return {name: run for name, run in runs.items() if isinstance(run, dict) and isinstance(run.get('about'), dict)} \
        if isinstance(runs, dict) else {}


def tests(present: dict[str, str]) -> list[dict]:
    """The last test run on each kind of kernel that still holds; prints why others do not."""
    held = []
    for run in _runs().values():
        different = changed(run['about'], present, _NOT_FOR_TESTS)
        if different:
            say(f'left out, the test run on {run["kernel"]}; changed since: {", ".join(different)}')
        else:
            held.append(run)
    return held


def remember_lint(before: dict[str, str], tree: Path) -> None:
    """Keep that all of make lint has passed; before: what about() has said before it."""
    if _holds_after(before, tree):
        _write(_lint_file(), before)


def lint_holds(present: dict[str, str]) -> bool:
    """Whether all of make lint has passed on what is present; prints why not."""
    kept: Optional[dict] = _read(_lint_file())
    if not isinstance(kept, dict) or not kept:
        say('left out: what make lint confirms, because it did not pass')
        return False
    different = changed(kept, present)
    if different:
        say(f'left out, what make lint confirms; changed since: {", ".join(different)}')
    return not different
