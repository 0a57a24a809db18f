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
from subject.overlay import DESCRIPTION
from subject.subject import Subject
from verdict.tally import Tally

LAST_TEST, LAST_LINT = 'last-test.json', 'last-lint.json'

# Files of the workbench, and of the folder of an overlay, that no result depends on.
_IRRELEVANT = ('workbench/tests/', 'workbench/help')
_IRRELEVANT_IN_FOLDER = ('tests/', 'series/cover')
_SERIES = 'series/'

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
    return _contents(tree, (path for record in graft.records(tree) for path in record.files
                            if not path.startswith('Documentation/')))


def _kernel(tree: Path, subject: Subject) -> str:
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
        for path in sorted({path for record in graft.records(tree) for path in record.lines}):
            yield path, hashlib.sha256(graft.pristine(tree, path, subject.main)).hexdigest()

    return _digest(stats())


def _tools() -> str:
    def stats():
        for name in TOOLS:
            path = shutil.which(name, path=build.compiler_environment()['PATH'])
            state = os.stat(path) if path else None
            yield name, state and (os.path.realpath(str(path)), state.st_size, state.st_mtime_ns)

    return _digest(stats())


def _folders(subject: Subject) -> tuple[list, list]:
    """Return digests of the folders of the overlays: of the descriptions of the series, and of the rest."""
    series, rest = [], []
    for overlay in subject.overlays:
        prefix = f'{overlay.description.folder}/' if overlay.description.folder else ''
        names = {name.removeprefix(prefix): name for name in overlay.names if prefix and name.startswith(prefix)}
        relevant = [name for name in names if not name.startswith(_IRRELEVANT_IN_FOLDER)]
        series.append(_contents(overlay.root, (names[name] for name in relevant if name.startswith(_SERIES))))
        rest.append(_contents(overlay.root, [DESCRIPTION, *(names[name] for name in relevant
                                                            if not name.startswith(_SERIES))]))
    return series, rest


def about(tree: Path, subject: Subject) -> dict[str, str]:
    """Return digests of what a result on a grafted tree depends on."""
    own = [path for path in checkout.files('workbench') if not path.startswith(_IRRELEVANT)]
    series, rest = _folders(subject)
    return {'driver': _driver(tree),
            'kernel source': _kernel(tree, subject),
            'compiler': _tools(),
            'descriptions of the series': _digest(series),
            'description of the overlay': _digest(rest),
            'workbench': _contents(REPO, own)}


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


def _holds_after(before: dict[str, str], tree: Path, subject: Subject, without: Iterable[str] = ()) -> bool:
    different = changed(before, about(tree, subject), without)
    if different:
        say(f'changed during the run, whose result is not kept: {", ".join(different)}')
    return not different


def record_tests(before: dict[str, str], kernel: build.Kernel, of_kunit: Tally, of_kselftest: Tally) -> None:
    """Keep the tallies of a whole test run; before: what about() has said before it."""
    if not _holds_after(before, kernel.tree, kernel.subject, _NOT_FOR_TESTS):
        return
    tally = of_kunit + of_kselftest
    _write(_test_file(), {**_runs(), f'{kernel.subject.name} on {kernel.name}': {
        'subject': kernel.subject.name, 'kernel': kernel.name, 'release': kernel.release(),
        'date': datetime.date.today().isoformat(), 'about': before,
        'kunit': of_kunit.passed, 'kselftest': of_kselftest.passed,
        'passed': tally.passed, 'failed': tally.failed, 'skipped': tally.skipped}})


def _runs() -> dict[str, dict]:
    """The last test run on each kind of kernel."""
    runs = _read(_test_file())
    if not isinstance(runs, dict):
        return {}
    return {name: run for name, run in runs.items()
            if isinstance(run, dict) and isinstance(run.get('about'), dict)}


def tests(present: dict[str, str], subject: Subject) -> list[dict]:
    """The last test run on each kind of kernel that still holds; prints why others do not."""
    held = []
    for run in _runs().values():
        if run.get('subject') != subject.name:
            continue
        different = changed(run['about'], present, _NOT_FOR_TESTS)
        if different:
            say(f'left out, the test run on {run["kernel"]}; changed since: {", ".join(different)}')
        else:
            held.append(run)
    return held


def record_lint(before: dict[str, str], tree: Path, subject: Subject) -> None:
    """Keep that all of make lint has passed; before: what about() has said before it."""
    if _holds_after(before, tree, subject):
        _write(_lint_file(), before)


def lint_holds(present: dict[str, str]) -> bool:
    """Return whether all of make lint has passed on what is present; prints why not."""
    kept: Optional[dict] = _read(_lint_file())
    if not isinstance(kept, dict) or not kept:
        say('left out: what make lint confirms, because it did not pass')
        return False
    different = changed(kept, present)
    if different:
        say(f'left out, what make lint confirms; changed since: {", ".join(different)}')
    return not different
