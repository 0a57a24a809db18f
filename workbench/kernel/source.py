# SPDX-License-Identifier: GPL-2.0-only
"""A kernel tree of this clone's own under build/, to graft into and build."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from host import worktree
from host.console import UserError, say
from host.environment import environment
from host.paths import build_root
from host.pipeline import run_pipeline
from kernel import archive
from kernel.mirror import Mirror
from subject import graft
from subject.overlay import Overlay
from subject.subject import Subject

# What a tree takes unpacked, and again as much for what is built from it.
SPACE_NEEDED = 5 << 30


def is_kernel_tree(path):
    """Whether a directory is the top of a kernel tree."""
    return all((path / name).exists() for name in
               ('Kbuild', 'Kconfig', 'MAINTAINERS', 'drivers/misc/Kconfig', 'kernel', 'Makefile'))


def require_kernel_tree(path):
    """Return an absolute path to a kernel tree, or say that it is none."""
    path = Path(path).expanduser().resolve()
    if not path.is_dir():
        raise UserError(f'KDIR={path}: no such directory')
    if not is_kernel_tree(path):
        raise UserError(f'KDIR={path} is not the top of a kernel source tree')
    return path


def _require_space(directory):
    free = shutil.disk_usage(directory).free
    if free < SPACE_NEEDED:
        raise UserError(f'{directory} has {free >> 20} MiB free, '
                        f'{SPACE_NEEDED >> 20} MiB are needed for a kernel tree and its build')


def _unpack(deb: Path, version: str, tree: Path, only=()) -> None:
    """Unpack the tarball in a linux-source package; the tree is whole or absent.

    only: the paths that are wanted, if not all.
    """
    part = tree.with_name(f'{tree.name}.part')
    if part.exists():
        shutil.rmtree(part)
    _require_space(tree.parent)
    part.mkdir()
    paths = [f'linux-source-{version}/{path}' for path in only]
    try:
        run_pipeline([['dpkg-deb', '--fsys-tarfile', deb],
                      ['tar', '-xO', f'./usr/src/linux-source-{version}.tar.xz'],
                      ['xz', '-dc', '-T0'],
                      ['tar', '-x', '-C', part, '--strip-components=1', *paths]],
                     tree.with_name(f'{tree.name}.unpack.log'), f'unpacking {deb.name}')
        os.replace(part, tree)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _unpack_package(version: str, tree: Path, only=()) -> None:
    archive.use(f'linux-source-{version}', archive.KERNEL_SOURCE, 'kernel source',
                lambda deb: _unpack(deb, version, tree, only))


def packaged(version):
    """Return a tree of the packaged source of a version such as 7.3."""
    if not re.fullmatch(r'[0-9]+\.[0-9]+', version):
        raise UserError(f'KERNEL={version}: a version such as 7.3 is wanted')
    tree = build_root() / f'linux-{version}'
    if not tree.exists():
        _unpack_package(version, tree)
    return tree


def some_files(version, paths):
    """Map some paths of the packaged source of a version to their contents."""
    directory = build_root() / f'files-{version}'
    if not all((directory / path).exists() for path in paths):
        shutil.rmtree(directory, ignore_errors=True)
        _unpack_package(version, directory, paths)
    return {path: (directory / path).read_bytes() for path in paths}


def _mirror(tree: Path) -> Mirror:
    """Return the record of what a copy of the user's tree was copied from."""
    return Mirror(tree, tree.with_name(f'{tree.name}.copied'))


def _discard_grafts(tree: Path, mirror: Mirror, files: dict, kept: list[str]) -> None:
    """Undo the grafts into a copy that are not wanted any more; kept names those that are."""
    for record in graft.records(tree):
        if record.path.name in mirror.copied or record.name in kept:
            continue
        ours = [record.path.name, *record.files, *record.lines]
        mirror.forget(ours)
        for path in ours:
            if path not in files:
                mirror.remove(path)


def _copy_of(kdir: Path, grafts: list[Overlay]) -> Path:
    """Return a copy of the user's own tree, brought up to date with it, with some overlays.

    It has what git says the tree contains: each tracked file as it stands in the
    work tree, and the untracked ones that git does not ignore. What a graft has
    put there is copied in any case.
    """
    name = hashlib.sha256(os.fsencode(kdir)).hexdigest()[:8]
    tree = build_root() / f'kdir-{name}'
    if not tree.exists():
        _require_space(tree.parent)
    files = worktree.files(kdir, nested=True)
    for path in graft.owned(kdir):
        if path not in files and os.path.lexists(kdir / path):
            files[path] = os.lstat(kdir / path)
    own = build_root().resolve()
    if kdir in own.parents:
        # What this clone builds belongs to no tree, and the copy is among it.
        ours = f'{own.relative_to(kdir)}/'
        files = {path: state for path, state in files.items() if not path.startswith(ours)}
    mirror = _mirror(tree)
    _discard_grafts(tree, mirror, files, [overlay.name for overlay in grafts])
    mirror.update(kdir, files)
    for overlay in grafts:
        # The next update leaves what the graft has changed.
        if graft.graft(tree, overlay):
            _mirror(tree).accept(kdir, graft.owned(tree))
    return tree


def _packaged_with(version: str, subject: Subject) -> Path:
    """Return the tree of a packaged source with the overlays of a subject, and no others."""
    tree = packaged(version)
    wanted = [overlay for overlay in subject.overlays if not overlay.is_in_tree]
    for record in graft.records(tree):
        if record.name not in [overlay.name for overlay in wanted]:
            graft.ungraft(tree, record.name)
            say(f'removed {record.name} from {tree}')
    for overlay in wanted:
        changed = graft.graft(tree, overlay)
        if changed:
            say(f'grafted {changed} files of {overlay.name} into {tree}')
    return tree


def _require_same_driver(kdir: Path, overlay: Overlay) -> None:
    differing = graft.differing(kdir, overlay)
    if differing:
        raise UserError(f'the series is created from {overlay.root}, and {kdir} has another driver: '
                        f'{differing[0]} differs; bring its changes into the overlay first')


def tree_for(kernel: str, kdir: str, subject: Subject, series: bool = False) -> Path:
    """Return the tree that KERNEL= and KDIR= ask for, with the subject in it.

    The driver in a tree of the user's own is what is tested. Where there is none,
    and in a packaged tree, it is the overlay's. series: the tree is for the patch
    series, which is created from the overlay.
    """
    if not kdir:
        tree = _packaged_with(kernel, subject)
    else:
        directory = require_kernel_tree(kdir)
        held = [overlay for overlay in subject.overlays
                if overlay.is_in_tree or graft.holds_driver(directory, overlay)]
        if series:
            for overlay in held:
                _require_same_driver(directory, overlay)
        grafts = [overlay for overlay in subject.overlays if overlay not in held]
        tree = _copy_of(directory, grafts)
        for overlay in held:
            say(f'testing the {overlay.name} that is in {directory}')
        for overlay in grafts:
            say(f'{directory} has no {overlay.name}: grafted the overlay into the copy')
    subject.require_sources(tree)
    return tree


def fingerprint(tree: Path) -> dict[str, object]:
    """Map each file of a tree that can change to a value that changes with it.

    These are all files of a copy of the user's tree, and in a packaged tree what
    was grafted.
    """
    # A grafted tree of the user's is copied with its record: a file may be in each.
    known = [_mirror(tree).signatures()]
    for record in graft.records(tree):
        known += [record.files, record.lines]
    return {path: [some.get(path) for some in known] for path in set().union(*known)}


def release(tree):
    """The version of a tree, from its own Makefile."""
    result = subprocess.run(['make', '-s', '-C', tree, 'kernelversion'], env=environment(),
                            capture_output=True, text=True, check=False)
    return result.stdout.strip()
