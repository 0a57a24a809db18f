# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: the repository, the cache, the build output."""

import hashlib
import os
import sys
from pathlib import Path

from console import UserError

REPO = Path(__file__).resolve().parent.parent
WORKBENCH = REPO / 'workbench'
try:
    HOME = Path.home()
except RuntimeError:
    sys.exit('lkmdemo: this user has no home directory; name one with HOME=')
CACHE = Path(os.environ.get('XDG_CACHE_HOME') or HOME / '.cache') / 'lkmdemo'
CCACHE = CACHE / 'ccache'

# kbuild refuses a path with any of these in it.
UNBUILDABLE = ' :'


def _buildable(path):
    return not any(c in str(path) for c in UNBUILDABLE)


def build_root():
    """Return the directory for build output, made if need be.

    It is build/ in the repository. Where kbuild could not work there, because
    of a space or a colon in the path, build/ is a link into the cache.
    """
    build = REPO / 'build'
    if _buildable(REPO):
        build.mkdir(exist_ok=True)
        return build

    name = hashlib.sha256(str(REPO).encode()).hexdigest()[:12]
    real = CACHE.resolve() / 'builds' / name
    if not _buildable(real):
        raise UserError('kbuild can build neither in the repository nor in the cache, '
                        f'both have a space or a colon in their path:\n  {REPO}\n  {CACHE}')
    real.mkdir(parents=True, exist_ok=True)
    if not build.is_symlink():
        build.symlink_to(real)
    return real
