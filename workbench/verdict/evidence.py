# SPDX-License-Identifier: GPL-2.0-only
"""Record results of runs, and check whether they are still valid.

Each result is recorded with digests of its inputs. It is valid as long as none of them
has changed.
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

# Files of the workbench, and in the folder of an overlay, that affect no result.
_IRRELEVANT = ('workbench/tests/', 'workbench/help', 'workbench/scaffold/')
_IRRELEVANT_IN_FOLDER = ('tests/', 'series/cover')
_SERIES = 'series/'

# The tools that affect the kernel and the warnings.
TOOLS = ('gcc', 'ld', 'as', 'make', 'sparse')

# Directories that programs create in a kernel tree.
_GENERATED = ('.git', '__pycache__')


def _digest(items: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for item in items:
        digest.update(repr(item).encode() + b'\n')
    return digest.hexdigest()


def _contents(root: Path, paths: Iterable[str]) -> str:
    return _digest((path, hashlib.sha256((root / path).read_bytes()).hexdigest(), os.access(root / path, os.X_OK))
                   for path in sorted(paths))


def _driver(tree: Path) -> str:
    """Return a digest of the driver and its tests in the tree."""
    return _contents(tree, (path for record in graft.records(tree) for path in record.files
                            if not path.startswith('Documentation/')))


def _kernel(tree: Path, subject: Subject) -> str:
    """Return a digest of the rest of the tree.

    It covers the sizes and times of files, and the contents of files that graft changes.
    """
    owned = set(graft.owned(tree))

    def stats():
        for directory, directories, names in os.walk(tree):
            directories[:] = sorted(name for name in directories if name not in _GENERATED)
            for name in sorted(names):
                path = os.path.relpath(os.path.join(directory, name), tree)
                if path not in owned:
                    state = os.lstat(tree / path)
                    yield path, state.st_size, state.st_mtime_ns
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
    """Return two lists of digests of the folders of the overlays: for the series, and for the rest."""
    series, rest = [], []
    for overlay in subject.overlays:
        prefix = f'{overlay.description.folder}/' if overlay.description.folder else ''
        names = {name.removeprefix(prefix): name for name in overlay.names if prefix and name.startswith(prefix)}
        relevant = [name for name in names if not name.startswith(_IRRELEVANT_IN_FOLDER)]
        series.append(_contents(overlay.root, (names[name] for name in relevant if name.startswith(_SERIES))))
        rest.append(_contents(overlay.root, [DESCRIPTION, *(names[name] for name in relevant
                                                            if not name.startswith(_SERIES))]))
    return series, rest


def digests(tree: Path, subject: Subject) -> dict[str, str]:
    """Return the digests of the inputs of results on a grafted tree, by their names."""
    own = [path for path in checkout.files('workbench') if not path.startswith(_IRRELEVANT)]
    series, rest = _folders(subject)
    return {'driver': _driver(tree),
            'kernel source': _kernel(tree, subject),
            'compiler': _tools(),
            'descriptions of the series': _digest(series),
            'description of the overlay': _digest(rest),
            'workbench': _contents(REPO, own)}


# Inputs that do not affect a test run, which tests the complete driver.
_IRRELEVANT_TO_TESTS = ('descriptions of the series',)


def changed(recorded: dict[str, str], present: dict[str, str], without: Iterable[str] = ()) -> list[str]:
    """Return the names of the inputs whose digests differ, except those in without."""
    return [name for name, digest in present.items() if name not in without and recorded.get(name) != digest]


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


def _is_unchanged(before: dict[str, str], tree: Path, subject: Subject, without: Iterable[str] = ()) -> bool:
    different = changed(before, digests(tree, subject), without)
    if different:
        say(f'the result is not recorded, because inputs changed during the run: {", ".join(different)}')
    return not different


def record_tests(before: dict[str, str], kernel: build.Kernel, of_kunit: Tally, of_kselftest: Tally) -> None:
    """Record the tallies of a complete test run; before: the digests before the run."""
    if not _is_unchanged(before, kernel.tree, kernel.subject, _IRRELEVANT_TO_TESTS):
        return
    tally = of_kunit + of_kselftest
    _write(_test_file(), {**_runs(), f'{kernel.subject.name} on {kernel.name}': {
        'subject': kernel.subject.name, 'kernel': kernel.name, 'release': kernel.release(),
        'date': datetime.date.today().isoformat(), 'digests': before,
        'kunit': of_kunit.passed, 'kselftest': of_kselftest.passed,
        'passed': tally.passed, 'failed': tally.failed, 'skipped': tally.skipped}})


def _runs() -> dict[str, dict]:
    """Return the last test run on each kind of kernel, by the names of the subject and of the kernel."""
    runs = _read(_test_file())
    if not isinstance(runs, dict):
        return {}
    return {name: run for name, run in runs.items()
            if isinstance(run, dict) and isinstance(run.get('digests'), dict)}


def tests(present: dict[str, str], subject: Subject) -> list[dict]:
    """Return the last valid test run on each kind of kernel; print why other runs are not valid.

    present: the digests of the present inputs.
    """
    valid = []
    for run in _runs().values():
        if run.get('subject') != subject.name:
            continue
        different = changed(run['digests'], present, _IRRELEVANT_TO_TESTS)
        if different:
            say(f'the test run on {run["kernel"]} is out of date; changed since: {", ".join(different)}')
        else:
            valid.append(run)
    return valid


def record_lint(before: dict[str, str], tree: Path, subject: Subject) -> None:
    """Record that make lint has passed with all checks; before: the digests before the run."""
    if _is_unchanged(before, tree, subject):
        _write(_lint_file(), before)


def lint_passed(present: dict[str, str]) -> bool:
    """Return whether make lint has passed with the present inputs; print why not.

    present: the digests of the present inputs.
    """
    recorded: Optional[dict] = _read(_lint_file())
    if not isinstance(recorded, dict) or not recorded:
        say('no passing run of make lint is recorded')
        return False
    different = changed(recorded, present)
    if different:
        say(f'the result of make lint is out of date; changed since: {", ".join(different)}')
    return not different
