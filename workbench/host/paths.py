# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: the repository, the cache, the build output."""

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


def _directory(name: str) -> Path | None:
    """The directory that a variable of the environment names; it must be absolute."""
    path = Path(os.environ.get(name, ''))
    return path if path.is_absolute() else None


def _home() -> Path:
    try:
        return _directory('HOME') or Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        sys.exit('workbench: this user has no home directory; name one with HOME=')


HOME = _home()
# All clones share the cache, whichever driver they contain.
CACHE_NAME = 'lkmdemo'
CACHE = (_directory('XDG_CACHE_HOME') or HOME / '.cache') / CACHE_NAME
CCACHE = CACHE / 'ccache'

BUILD = REPO / 'build'

# For the build output of a clone whose path kbuild cannot build in, if it cannot
# build in the cache either.
LAST_RESORT = Path(f'/var/tmp/workbench-{os.getuid()}')


def is_plain(path: Path) -> bool:
    """Whether kbuild, make, scripts and the command line of a kernel take a path as it is.

    Every other character has a meaning to one of them: "%" to make, "," to the
    linker and to mount, "~" and "@" to some script.
    """
    return re.fullmatch('[A-Za-z0-9_./-]+', str(path), re.ASCII) is not None


def _private(directory: Path) -> Path:
    """Make a directory that nobody else can write to, in one where everybody can."""
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise UserError(f'{directory} must be a directory of yours that others cannot write to')
    return directory


def _elsewhere() -> Path:
    """Where the build output is that cannot be in the clone."""
    name = hashlib.sha256(os.fsencode(REPO)).hexdigest()[:12]
    cache = CACHE.resolve()
    base = cache if is_plain(cache) else _private(LAST_RESORT)
    return base / 'builds' / name


def our_link() -> Path | None:
    """Where build/ leads, if it is a link of ours; the clone may have moved since."""
    if not BUILD.is_symlink():
        return None
    target = Path(os.readlink(BUILD))
    ours = target.parent.name == 'builds' and target.parent.parent.name.startswith((CACHE_NAME, 'workbench-'))
    return target if ours else None


def build_root() -> Path:
    """Return the directory for build output, made if need be; its path is plain.

    It is build/ in the repository, or where a link of the user's of this name
    leads. If that path is not plain, build/ is a link to somewhere else.
    """
    if '\n' in str(REPO):
        raise UserError(f'the path of this clone has a line break in it: {str(REPO)!r}')
    ours = our_link()
    if BUILD.is_symlink() and not ours:
        real = BUILD.resolve()
        if not real.is_dir():
            raise UserError(f'{BUILD} is a link that leads to no directory')
        if not is_plain(real):
            raise UserError(f'{BUILD} leads to {str(real)!r}, where kbuild cannot build: its path may have '
                            'letters, digits, ".", "_" and "-" in it')
        return real
    wanted = BUILD if is_plain(BUILD) else _elsewhere()
    if ours and ours != wanted:
        BUILD.unlink()
    if wanted != BUILD and BUILD.is_dir() and not BUILD.is_symlink():
        raise UserError(f'{BUILD} must be a link, since kbuild cannot build below this path: make clean removes it')
    wanted.mkdir(parents=True, exist_ok=True)
    if wanted != BUILD and not BUILD.is_symlink():
        BUILD.symlink_to(wanted)
    return wanted


def make_scratch() -> Path:
    """Make a directory for the temporary files of one run; its path is plain."""
    for directory in (tempfile.gettempdir(), '/tmp', '/var/tmp'):
        if is_plain(Path(directory)):
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix='workbench-', dir=directory))
    raise UserError('there is no temporary directory to write to; name one with TMPDIR=')
