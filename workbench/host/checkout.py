# SPDX-License-Identifier: GPL-2.0-only
"""List the files of this repository."""

from host import worktree
from host.paths import REPO


def files(*under: str) -> list[str]:
    """Return the sorted paths of the files of the repository, relative to its top.

    under: restricts the result to these directories and files. New files that are
    not committed yet are included, and ignored files are not.
    """
    return sorted(name for name in worktree.files(REPO)
                  if (not under or any(f'{name}/'.startswith(f'{path}/') for path in under))
                  and (REPO / name).is_file())
