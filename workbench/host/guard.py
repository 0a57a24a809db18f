# SPDX-License-Identifier: GPL-2.0-only
"""Run the workbench so that nothing survives it, even if it is killed by SIGKILL.

Three processes take part. The first one is the one that the user started: it
waits, and passes on signals and the exit status. Its child is the guardian, in
a process group of its own, so that a signal to the group of the user's job does
not reach it. Its child does the work, in the group of the job, whose terminal
it uses. When the worker has ended, in whatever way, what it has left behind
becomes the guardian's and is removed. When one of the other two is killed, the
worker is asked to end.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Callable

from host.process import adopt_orphans, die_with_parent, kill_descendants

# What ends a run.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _accepted() -> list[signal.Signals]:
    """The signals that end a run; under nohup SIGHUP stays ignored."""
    return [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]


def _interrupt(*_):
    """End the work; a second signal does not interrupt what ending takes."""
    for number in _accepted():
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _status(code: int) -> int:
    return os.WEXITSTATUS(code) if os.WIFEXITED(code) else 128 + os.WTERMSIG(code)


def _watch(child: int, scratch: Path) -> int:
    """Wait for a child, remove what it leaves behind, and return its exit status."""
    def forward(number, _):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in _accepted():
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    status = _status(os.waitpid(child, 0)[1])
    kill_descendants()
    shutil.rmtree(scratch, ignore_errors=True)
    return status


def accept_signals():
    """Let signals interrupt the work from here on, by a KeyboardInterrupt."""
    for number in _accepted():
        signal.signal(number, _interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def run(work: Callable[[], int], scratch: Path) -> int:
    """Do the work in a guarded process; return its exit status.

    The work starts with accept_signals(). scratch: the directory of the
    temporary files, which is removed at the end.
    """
    group = os.getpgrp()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    first = os.getpid()
    guardian = os.fork()
    if guardian:
        adopt_orphans()
        return _watch(guardian, scratch)

    os.setpgid(0, 0)
    adopt_orphans()
    die_with_parent(first, signal.SIGTERM)
    own = os.getpid()
    worker = os.fork()
    if worker:
        status = 1
        try:
            status = _watch(worker, scratch)
        finally:
            os._exit(status)

    # The group is gone if the first process is, and the work is to end.
    with contextlib.suppress(PermissionError):
        os.setpgid(0, group)
    adopt_orphans()
    die_with_parent(own, signal.SIGTERM)
    tempfile.tempdir = str(scratch)
    return work()
