# SPDX-License-Identifier: GPL-2.0-only
"""Look at the processes of a run for tests."""

from pathlib import Path


def _stat(pid):
    """Return the fields of a process after its name; they are empty if it has ended."""
    try:
        return Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rpartition(')')[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_alive(pid):
    """Return whether a process runs; a zombie does not."""
    return _stat(pid)[:1] not in ([], ['Z'], ['X'])


def members(group):
    """Return the processes of a process group that run."""
    pids = [int(path.name) for path in Path('/proc').iterdir() if path.name.isdecimal()]
    return [pid for pid in pids if _stat(pid)[2:3] == [str(group)] and is_alive(pid)]
