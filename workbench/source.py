# SPDX-License-Identifier: GPL-2.0-only
"""A kernel tree of this clone's own under build/, to graft into and build."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import archive
import graft
from console import UserError, say
from environment import environment
from paths import build_root
from pipeline import run_pipeline
from process import run_logged

# What a tree takes unpacked, and again as much for what is built from it.
SPACE_NEEDED = 5 << 30

# What a build in the user's own tree leaves there, and what is not source.
NOT_SOURCE = ('.git', '*.o', '*.o.d', '*.a', '*.ko', '*.mod', '*.mod.c', '.*.cmd', '*.order',
              '*.symvers', '/.config', '/.config.old', '/vmlinux*', '/System.map', '/linux',
              '/.kunit', '/include/config', '/include/generated', '/arch/*/include/generated',
              '/arch/*/boot', '/usr/include', '/Documentation/output')


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


def copy_of(kdir):
    """Return a copy of the user's own tree, brought up to date with it."""
    name = hashlib.sha256(str(kdir).encode()).hexdigest()[:8]
    tree = build_root() / f'kdir-{name}'
    if not tree.exists():
        _require_space(tree.parent)
    tree.mkdir(exist_ok=True)
    ours = graft.owned(tree)
    excludes = [f'--exclude={pattern}' for pattern in NOT_SOURCE]
    excludes += [f'--exclude=/{path}' for path in ours]
    run_logged(['rsync', '-a', '--delete', *excludes, f'{kdir}/', f'{tree}/'],
               tree.with_name(tree.name + '.rsync.log'), f'copying {kdir}')
    graft.refresh_originals(kdir, tree)
    return tree


def tree_for(kernel, kdir):
    """Return the tree that KERNEL= and KDIR= ask for, with the driver in it."""
    tree = copy_of(require_kernel_tree(kdir)) if kdir else packaged(kernel)
    changed = graft.graft(tree)
    if changed:
        say(f'grafted {changed} files into {tree}')
    return tree


def release(tree):
    """The version of a tree, from its own Makefile."""
    result = subprocess.run(['make', '-s', '-C', tree, 'kernelversion'], env=environment(),
                            capture_output=True, text=True, check=False)
    return result.stdout.strip()
