# SPDX-License-Identifier: GPL-2.0-only
"""Create kernel trees below build/, to graft into and to build."""

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

# The disk space for an unpacked tree and its builds, in bytes.
REQUIRED_SPACE = 5 << 30


def is_kernel_tree(path):
    """Return whether a directory is the top of a kernel tree."""
    return all((path / name).exists() for name in
               ('Kbuild', 'Kconfig', 'MAINTAINERS', 'drivers/misc/Kconfig', 'kernel', 'Makefile'))


def require_kernel_tree(path):
    """Return the absolute path of a kernel tree; raise UserError if it is not one."""
    path = Path(path).expanduser().resolve()
    if not path.is_dir():
        raise UserError(f'KDIR={path}: no such directory')
    if not is_kernel_tree(path):
        raise UserError(f'KDIR={path} is not the top of a kernel source tree')
    return path


def _require_space(directory):
    free = shutil.disk_usage(directory).free
    if free < REQUIRED_SPACE:
        raise UserError(f'{directory} has {free >> 20} MiB free; a kernel tree and its build require '
                        f'{REQUIRED_SPACE >> 20} MiB')


def _unpack(deb: Path, version: str, tree: Path, only=()) -> None:
    """Unpack the tarball in a linux-source package; remove an incomplete tree.

    only: the paths to unpack, by default all.
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
    archive.process_package(f'linux-source-{version}', archive.KERNEL_SOURCE, 'kernel source',
                            lambda deb: _unpack(deb, version, tree, only))


def packaged_tree(version):
    """Return the tree of the packaged source of a version such as 7.3, unpacked if missing."""
    if not re.fullmatch(r'[0-9]+\.[0-9]+', version):
        raise UserError(f'KERNEL={version}: must be a version such as 7.3')
    tree = build_root() / f'linux-{version}'
    if not tree.exists():
        _unpack_package(version, tree)
    return tree


def packaged_files(version, paths):
    """Map paths of the packaged source of a version to their contents."""
    directory = build_root() / f'files-{version}'
    if not all((directory / path).exists() for path in paths):
        shutil.rmtree(directory, ignore_errors=True)
        _unpack_package(version, directory, paths)
    return {path: (directory / path).read_bytes() for path in paths}


def _mirror(tree: Path) -> Mirror:
    """Return the mirror of a tree of the user; tree: the copy."""
    return Mirror(tree, tree.with_name(f'{tree.name}.copied'))


def _discard_grafts(tree: Path, mirror: Mirror, files: dict, kept: list[str]) -> None:
    """Undo the grafts into a copy, except those of the overlays with the names in kept.

    files: the files of the original tree. Grafts of the user are copied, and remain.
    """
    for record in graft.records(tree):
        if record.path.name in mirror.copied or record.name in kept:
            continue
        grafted = [record.path.name, *record.files, *record.lines]
        mirror.invalidate(grafted)
        for path in grafted:
            if path not in files:
                mirror.remove(path)


def _copy_tree(kdir: Path, grafts: list[Overlay]) -> Path:
    """Return an up-to-date copy of a tree of the user, with overlays grafted into it.

    The copy contains the files that git tracks, with their edits, and untracked ones
    that git does not ignore. Files that a graft wrote are copied even if ignored.
    """
    name = hashlib.sha256(os.fsencode(kdir)).hexdigest()[:8]
    tree = build_root() / f'kdir-{name}'
    if not tree.exists():
        _require_space(tree.parent)
    files = worktree.files(kdir, nested=True)
    for path in graft.owned(kdir):
        if path not in files and os.path.lexists(kdir / path):
            files[path] = os.lstat(kdir / path)
    root = build_root().resolve()
    if kdir in root.parents:
        # The build output of this clone contains the copy itself.
        prefix = f'{root.relative_to(kdir)}/'
        files = {path: state for path, state in files.items() if not path.startswith(prefix)}
    mirror = _mirror(tree)
    _discard_grafts(tree, mirror, files, [overlay.name for overlay in grafts])
    mirror.update(kdir, files)
    for overlay in grafts:
        if graft.graft(tree, overlay):
            _mirror(tree).accept(kdir, graft.owned(tree))
    return tree


def _graft_packaged_tree(version: str, subject: Subject) -> Path:
    """Return the tree of a packaged source with the overlays of a subject, and no others."""
    tree = packaged_tree(version)
    grafts = [overlay for overlay in subject.overlays if not overlay.is_in_tree]
    for record in graft.records(tree):
        if record.name not in [overlay.name for overlay in grafts]:
            graft.ungraft(tree, record.name)
            say(f'removed {record.name} from {tree}')
    for overlay in grafts:
        changed = graft.graft(tree, overlay)
        if changed:
            say(f'grafted {changed} files of {overlay.name} into {tree}')
    return tree


def _require_same_driver(kdir: Path, overlay: Overlay) -> None:
    differing = graft.differing(kdir, overlay)
    if differing:
        raise UserError(f'the series is created from {overlay.root}, and the driver in {kdir} is not the same: '
                        f'{differing[0]} differs; copy its changes into the overlay first')


def tree_for(kernel: str, kdir: str, subject: Subject, series: bool = False) -> Path:
    """Return a tree with the subject, for the values of KERNEL= and KDIR=.

    A driver that the tree of the user contains is kept; otherwise the overlay is
    grafted. series: the tree is for the patch series, and a driver in it must be the
    same as that of the overlay.
    """
    if not kdir:
        tree = _graft_packaged_tree(kernel, subject)
    else:
        directory = require_kernel_tree(kdir)
        present = [overlay for overlay in subject.overlays
                   if overlay.is_in_tree or graft.holds_driver(directory, overlay)]
        if series:
            for overlay in present:
                _require_same_driver(directory, overlay)
        grafts = [overlay for overlay in subject.overlays if overlay not in present]
        tree = _copy_tree(directory, grafts)
        for overlay in present:
            say(f'testing {overlay.name} of {directory}')
        for overlay in grafts:
            say(f'{directory} has no {overlay.name}: grafted the overlay into the copy')
    subject.require_sources(tree)
    return tree


def fingerprint(tree: Path) -> dict[str, object]:
    """Map each file of a tree that can change to a value that changes with it.

    These are all files of a copy of a tree of the user, and the grafted files of a
    packaged tree.
    """
    # The record of a graft by the user is copied, so a file may be in several mappings.
    mappings = [_mirror(tree).signatures()]
    for record in graft.records(tree):
        mappings += [record.files, record.lines]
    return {path: [mapping.get(path) for mapping in mappings] for path in set().union(*mappings)}


def release(tree):
    """Return the version of a tree, as its Makefile prints it."""
    result = subprocess.run(['make', '-s', '-C', tree, 'kernelversion'], env=environment(),
                            capture_output=True, text=True, check=False)
    return result.stdout.strip()
