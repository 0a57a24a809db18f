# SPDX-License-Identifier: GPL-2.0-only
"""Test drivers other than that of this repository.

One is a driver of mainline with its kselftest, one a KUnit suite of mainline; both
are in the tree already, and have a description only. A third one is beside the
driver of this repository, on one kernel.
"""

from cli.options import Options
from host.console import say
from host.paths import REPO, WORKBENCH
from kernel import build, source
from machine.um import UM
from subject import subject
from subject.subject import Subject
from verdict import kselftest, kunit
from verdict.tally import Tally, single

OVERLAYS = WORKBENCH / 'tests/data/overlays'
MAIN = subject.load().main.name


def _load(*names: str) -> Subject:
    return subject.load(tuple(str(OVERLAYS / name) if name != '.' else str(REPO) for name in names))


def _kselftest(options: Options, ours: Subject) -> Tally:
    kernel = build.Kernel(source.tree_for(options.kernel, options.kdir, ours), UM, ours)
    build.build(kernel)
    return kselftest.run(kernel)


def _kunit(options: Options, ours: Subject) -> Tally:
    return kunit.kunit(source.tree_for(options.kernel, options.kdir, ours), ours)


# What is tested, how, the overlays, and the beginnings of names that the results must have.
_CASES = (('a KUnit suite of mainline', _kunit, ('misc_minor',), ('KUnit miscdev.',)),
          ('two drivers on one kernel, KUnit', _kunit, ('.', 'sprocket'), ('KUnit sprocket.', f'KUnit {MAIN}_')),
          ('two drivers on one kernel, kselftest', _kselftest, ('.', 'sprocket'),
           ('kselftest sprocket:', f'kselftest {MAIN}:')),
          ('a driver of mainline, kselftest', _kselftest, ('ntsync',), ('kselftest ntsync:',)))


def run(options: Options) -> Tally:
    """Run the tests of each; return the tally."""
    whole = Tally()
    for title, test, names, expected in _CASES:
        ours = _load(*names)
        tally = test(options, ours)
        for prefix in expected:
            if not any(name.startswith(prefix) for name in tally.results):
                tally += single(f'{title}: no result of {prefix}', 'failed')
        say(f'{title} ({ours.name}): {tally}')
        whole += tally
    return whole
