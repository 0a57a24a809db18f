# SPDX-License-Identifier: GPL-2.0-only
"""Test drivers other than that of this repository.

A kselftest and a KUnit suite of mainline have an overlay with a description only. A small
driver with all parts runs on one kernel with the driver of this repository.
"""

from cli.options import Options
from host.console import say
from host.paths import REPO, WORKBENCH
from kernel import build, source
from machine.um import UM
from subject.subject import Subject, load
from verdict import kselftest, kunit
from verdict.tally import Tally, single

OVERLAYS = WORKBENCH / 'tests/data/overlays'
MAIN = load().main.name


def _load(*names: str) -> Subject:
    return load(tuple(str(OVERLAYS / name) if name != '.' else str(REPO) for name in names))


def _kselftest(options: Options, subject: Subject) -> Tally:
    kernel = build.Kernel(source.tree_for(options.kernel, options.kdir, subject), UM, subject)
    build.build(kernel)
    return kselftest.run(kernel)


def _kunit(options: Options, subject: Subject) -> Tally:
    return kunit.kunit(source.tree_for(options.kernel, options.kdir, subject), subject)


# The title, the function, the overlays, and the prefixes of names that must be among the results.
_CASES = (('a KUnit suite of mainline', _kunit, ('misc_minor',), ('KUnit miscdev.',)),
          ('two drivers on one kernel, KUnit', _kunit, ('.', 'sprocket'), ('KUnit sprocket.', f'KUnit {MAIN}_')),
          ('two drivers on one kernel, kselftest', _kselftest, ('.', 'sprocket'),
           ('kselftest sprocket:', f'kselftest {MAIN}:')),
          ('a driver of mainline, kselftest', _kselftest, ('ntsync',), ('kselftest ntsync:',)))


def run(options: Options) -> Tally:
    """Run the tests of all cases; return the tally."""
    total = Tally()
    for title, test, names, expected in _CASES:
        subject = _load(*names)
        tally = test(options, subject)
        for prefix in expected:
            if not any(name.startswith(prefix) for name in tally.results):
                tally += single(f'{title}: no result of {prefix}', 'failed')
        say(f'{title} ({subject.name}): {tally}')
        total += tally
    return total
