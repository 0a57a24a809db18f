# SPDX-License-Identifier: GPL-2.0-only
"""Run the workbench so that no process and no temporary file outlives it, even after SIGKILL.

A run has three processes:

- The first process is the one that the user starts. It waits, forwards signals and
  returns the exit status.
- Its child is the guardian. It has its own process group, so that a signal to the
  group of the job does not reach it.
- The child of the guardian is the worker. It is in the process group of the job,
  because it uses the terminal.

When the worker ends for any reason, the guardian adopts and kills the remaining
processes. When the first process or the guardian is killed, the worker gets SIGTERM.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Callable

from host.process import adopt_orphans, die_with_parent, kill_descendants

# The signals that end a run.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _unignored_signals() -> list[signal.Signals]:
    """Return the signals that end this run; nohup, for example, ignores SIGHUP."""
    return [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]


def _interrupt(*_):
    """Raise KeyboardInterrupt, once: a second signal must not interrupt the cleanup."""
    for number in _unignored_signals():
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _exit_status(wait_status: int) -> int:
    return os.WEXITSTATUS(wait_status) if os.WIFEXITED(wait_status) else 128 + os.WTERMSIG(wait_status)


def _supervise(child: int, scratch: Path) -> int:
    """Wait for a child, kill its remaining descendants, remove scratch; return its exit status."""
    def forward(number, _):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in _unignored_signals():
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    status = _exit_status(os.waitpid(child, 0)[1])
    kill_descendants()
    shutil.rmtree(scratch, ignore_errors=True)
    return status


def accept_signals():
    """Unblock the signals that end a run; from now on they raise KeyboardInterrupt."""
    for number in _unignored_signals():
        signal.signal(number, _interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def run(work: Callable[[], int], scratch: Path) -> int:
    """Call work in the worker process; return its exit status.

    work: must call accept_signals() first. scratch: the directory for temporary
    files, which is removed at the end.
    """
    group = os.getpgrp()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    first_pid = os.getpid()
    guardian = os.fork()
    if guardian:
        adopt_orphans()
        return _supervise(guardian, scratch)

    os.setpgid(0, 0)
    adopt_orphans()
    die_with_parent(first_pid, signal.SIGTERM)
    guardian_pid = os.getpid()
    worker = os.fork()
    if worker:
        status = 1
        try:
            status = _supervise(worker, scratch)
        finally:
            os._exit(status)

    # The group does not exist if the first process has ended; then SIGTERM follows.
    with contextlib.suppress(PermissionError):
        os.setpgid(0, group)
    adopt_orphans()
    die_with_parent(guardian_pid, signal.SIGTERM)
    tempfile.tempdir = str(scratch)
    return work()
