# SPDX-License-Identifier: GPL-2.0-only
"""Build the package lkmdemo-dkms, from the sources of the driver and those for builds out of tree."""

import email.utils
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from cli.options import KERNEL, Options
from host import git
from host.console import UserError, say
from host.environment import environment
from host.paths import build_root
from host.process import run_logged
from subject import outoftree
from subject.overlay import Overlay
from subject.subject import Subject

HERE = Path(__file__).resolve().parent
PACKAGE = 'lkmdemo-dkms'
_MAINTAINER = 'LKMDEMO maintainers <lkmdemo@example.org>'

# The parts of the repository that the package has, in addition to the directory for builds out of tree.
_PARTS = ('drivers/', 'include/')


class Commit(NamedTuple):
    """The commit that a package is built from.

    name: its abbreviated hash. time: its time in seconds since 1970. is_changed: whether the
    files differ from it.
    """
    name: str
    time: int
    is_changed: bool


def version(release: str, commit: Commit) -> str:
    """Return the version of the package: the release of Linux that the driver is for, and the time of the commit."""
    when = datetime.fromtimestamp(commit.time, timezone.utc)
    return f'{release}+{when:%Y%m%d.%H%M%S}{"+changed" if commit.is_changed else ""}'


def changelog(release: str, commit: Commit) -> str:
    """Return the changelog of the package, with a single entry."""
    date = email.utils.format_datetime(datetime.fromtimestamp(commit.time, timezone.utc))
    changed = ', with changes' if commit.is_changed else ''
    return (f'lkmdemo ({version(release, commit)}) unstable; urgency=medium\n\n'
            f'  * The driver for Linux {release}, commit {commit.name}{changed}.\n\n'
            f' -- {_MAINTAINER}  {date}\n')


def sources(overlay: Overlay) -> list[str]:
    """Return the paths of the files that the package has."""
    parts = (*_PARTS, f'{outoftree.directory(overlay).relative_to(overlay.root)}/')
    return [name for name in overlay.names if name.startswith(parts)]


def commit_of(overlay: Overlay) -> Commit:
    """Return the last commit of the repository of an overlay; raise UserError without one."""
    found = git.read(overlay.root, 'log', '-1', '--format=%ct %h', '--abbrev=12')
    if found.returncode:
        raise UserError(f'{overlay.root} is not in a git repository with a commit: '
                        'the version of the package is the time of the last commit')
    time, name = found.stdout.decode().split()
    status = git.read(overlay.root, 'status', '--porcelain', '--', *_PARTS,
                      outoftree.directory(overlay), HERE / 'debian')
    return Commit(name, int(time), bool(status.stdout.strip()))


def _write_source(overlay: Overlay, commit: Commit, directory: Path) -> None:
    """Write the source of the package to a new directory."""
    for name in sources(overlay):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(overlay.root / name, directory / name)
    shutil.copytree(HERE / 'debian', directory / 'debian')
    (directory / 'debian/changelog').write_text(changelog(KERNEL, commit), encoding='utf-8')


def build(overlay: Overlay, directory: Path) -> Path:
    """Build the package in a directory, which is removed first; return its path."""
    commit = commit_of(overlay)
    shutil.rmtree(directory, ignore_errors=True)
    source = directory / 'source'
    source.mkdir(parents=True)
    _write_source(overlay, commit, source)
    run_logged(['dpkg-buildpackage', '--build=binary', '--unsigned-source', '--unsigned-changes'],
               directory / 'build.log', f'building {PACKAGE}', cwd=source,
               env=environment(SOURCE_DATE_EPOCH=str(commit.time), TZ='UTC'))
    return directory / f'{PACKAGE}_{version(KERNEL, commit)}_all.deb'


def check(deb: Path) -> None:
    """Check a package with lintian; raise UserError for a tag of the severity error or warning."""
    run_logged(['lintian', '--allow-root', '--fail-on', 'error,warning', '--tag-display-limit', '0',
                next(deb.parent.glob('*.changes'))],
               deb.parent / 'lintian.log', f'checking {deb.name} with lintian')


def run(subject: Subject, options: Options) -> int:
    """Build and check the package; print its path; return the exit status."""
    if options.kdir or options.kernel != KERNEL:
        raise UserError('deb does not accept KERNEL and KDIR: DKMS builds the modules for each installed kernel')
    overlay = subject.main
    if commit_of(overlay).is_changed:
        say('the package has changes that are not committed')
    deb = build(overlay, build_root() / 'deb')
    check(deb)
    print(deb)
    return 0
