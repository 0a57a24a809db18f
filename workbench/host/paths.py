# SPDX-License-Identifier: GPL-2.0-only
"""The paths of the repository, the cache and the build output."""

import contextlib
import hashlib
import os
import pwd
import re
import stat
import sys
import tempfile
from pathlib import Path

from host.console import UserError

REPO = Path(__file__).resolve().parents[2]
WORKBENCH = REPO / 'workbench'


def _directory_from_environment(name: str) -> Path | None:
    """Return the directory that an environment variable names, None unless it is absolute."""
    path = Path(os.environ.get(name, ''))
    return path if path.is_absolute() else None


def _home() -> Path:
    try:
        return _directory_from_environment('HOME') or Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        sys.exit('workbench: this user has no home directory; name one with HOME=')


HOME = _home()
# All clones share the cache, whichever driver they contain.
CACHE_NAME = 'lkmdemo'
CACHE = (_directory_from_environment('XDG_CACHE_HOME') or HOME / '.cache') / CACHE_NAME
CCACHE = CACHE / 'ccache'

BUILD = REPO / 'build'

# The directory for build output if kbuild can build neither in the clone nor in the
# cache.
FALLBACK = Path(f'/var/tmp/workbench-{os.getuid()}')


def is_plain(path: Path) -> bool:
    """Return whether a path consists of letters, digits and "/._-" only.

    Other characters are special to kbuild, make, a script or the kernel command line:
    "%" to make, "," to the linker and to mount, "~" and "@" to scripts.
    """
    return re.fullmatch('[A-Za-z0-9_./-]+', str(path), re.ASCII) is not None


def _make_private(directory: Path) -> Path:
    """Create a directory in a world-writable one; raise UserError if others can write to it."""
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise UserError(f'{directory} must be a directory that belongs to you and that others cannot write to')
    return directory


def _external_build_root() -> Path:
    """Return the directory for build output outside the clone."""
    name = hashlib.sha256(os.fsencode(REPO)).hexdigest()[:12]
    cache = CACHE.resolve()
    base = cache if is_plain(cache) else _make_private(FALLBACK)
    return base / 'builds' / name


def workbench_link() -> Path | None:
    """Return the target of build/ if it is a link that the workbench made, otherwise None.

    After the clone was moved, the target is the directory of its old path.
    """
    if not BUILD.is_symlink():
        return None
    target = Path(os.readlink(BUILD))
    made_here = target.parent.name == 'builds' and target.parent.parent.name.startswith((CACHE_NAME, 'workbench-'))
    return target if made_here else None


def build_root() -> Path:
    """Return the directory for build output, created if missing; its path is plain.

    It is build/ in the repository, or the target of a link of that name that the
    user made. If the path of build/ is not plain, build/ becomes a link to a
    directory outside the clone.
    """
    if '\n' in str(REPO):
        raise UserError(f'the path of this clone contains a line break: {str(REPO)!r}')
    link = workbench_link()
    if BUILD.is_symlink() and not link:
        target = BUILD.resolve()
        if not target.is_dir():
            raise UserError(f'{BUILD} is a link, and its target is not a directory')
        if not is_plain(target):
            raise UserError(f'{BUILD} is a link to {str(target)!r}, where kbuild cannot build: its path may contain '
                            'only letters, digits, "/", ".", "_" and "-"')
        return target
    root = BUILD if is_plain(BUILD) else _external_build_root()
    if link and link != root:
        BUILD.unlink()
    if root != BUILD and BUILD.is_dir() and not BUILD.is_symlink():
        raise UserError(f'{BUILD} must be a link, since kbuild cannot build below this path: make clean removes it')
    root.mkdir(parents=True, exist_ok=True)
    if root != BUILD and not BUILD.is_symlink():
        BUILD.symlink_to(root)
    return root


def make_scratch() -> Path:
    """Create a directory for the temporary files of one run; its path is plain."""
    for directory in (tempfile.gettempdir(), '/tmp', '/var/tmp'):
        if is_plain(Path(directory)):
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix='workbench-', dir=directory))
    raise UserError('no temporary directory is writable; name one with TMPDIR=')
