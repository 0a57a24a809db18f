# SPDX-License-Identifier: GPL-2.0-only
"""Copy a job in which a test fails, to show that a failure is found."""

import io
import lzma
import shutil
import tarfile
from pathlib import Path

from job.bundle import Test

# The case that fails.
CASE = 'broken_on_purpose'

_PROGRAM = f'#!/bin/sh\necho 1..1\necho not ok 1 {CASE}\nexit 1\n'.encode()


def copy(job: Path, to: Path, test: Test) -> Path:
    """Return a copy of a job in which a program has a single case, which fails."""
    shutil.copytree(job, to)
    path = to / 'kselftest.tar.xz'
    with tarfile.open(job / path.name) as old, lzma.open(path, 'wb', preset=0) as out, \
            tarfile.open(fileobj=out, mode='w') as new:
        for member in old:
            content = old.extractfile(member) if member.isfile() else None
            if member.name == f'./{test.target}/{test.name}':
                member.size, content = len(_PROGRAM), io.BytesIO(_PROGRAM)
            new.addfile(member, content)
    return to
