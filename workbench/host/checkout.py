# SPDX-License-Identifier: GPL-2.0-only
"""The files of the repository, as they were checked out."""

from host import worktree
from host.paths import REPO


def files(*under: str) -> list[str]:
    """Return the files in these directories, or in all: their paths from its top, sorted.

    What was built in the repository is left out; a new file that is not committed
    yet is included.
    """
    return sorted(name for name in worktree.files(REPO)
                  if (not under or any(f'{name}/'.startswith(f'{path}/') for path in under))
                  and (REPO / name).is_file())
