# SPDX-License-Identifier: GPL-2.0-only
"""Submit a job to a server of LAVA on this machine, and compare it with a run without LAVA."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from host.console import UserError, say
from host.environment import environment
from host.paths import build_root
from job import broken, bundle, lab, lava_server, merge
from job.bundle import KUNIT
from job.merge import Shard
from kernel import build
from verdict.tally import Tally, differences, single

# The limit for a job in seconds.
_LIMIT = 3600

# The jobs: all tests, and the same with a program that fails.
_WHOLE, _BROKEN = 'whole', 'broken'


def run(kernel: build.Kernel) -> Tally:
    """Run the comparison; return its tally."""
    if os.geteuid() != 0:
        raise UserError('check-lab requires root: LAVA does')
    job = bundle.write(kernel)
    found = bundle.read_tests(job)
    logs = build_root() / 'check-lab'
    logs.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix='lab-'))
    try:
        with open(logs / 'alone.log', 'wb') as out:
            begin = time.monotonic()
            subprocess.run([job / 'run', f'RESULTS={home}/alone'], env=environment(), stdout=out, stderr=out,
                           check=False)
        alone = merge.merge([Shard(1, 1, home / 'alone', found)], None, None)
        say(f'without LAVA: {alone}, {time.monotonic() - begin:.0f} s')
        shared = home / 'shared'
        shutil.copytree(job, shared / _WHOLE)
        test = next(test for test in found if test.kind != KUNIT)
        broken.copy(job, shared / _BROKEN, test)
        for name in (_WHOLE, _BROKEN):
            lab.write(shared / name, 'qemu', f'file:///mnt/{name}')
        root = lava_server.install(logs)
        begin = time.monotonic()
        returned = lava_server.submit(root, home, [_WHOLE, _BROKEN], _LIMIT, logs)
        for name, path in returned.items():
            shutil.copy(path, logs / f'{name}.yaml')
        texts = {name: lab.read(str(path)) for name, path in returned.items()}
    finally:
        shutil.rmtree(home, ignore_errors=True)
    in_lab, failed = (lab.judge(texts[name], found) for name in (_WHOLE, _BROKEN))
    release = lava_server.release((logs / 'server.log').read_text(encoding='utf-8', errors='replace'))
    say(f'LAVA {release}: {in_lab}; the broken job: {failed}; both {time.monotonic() - begin:.0f} s')
    say(f'logs: {logs}')
    is_named = any(broken.CASE in line for line in failed.failures())
    return (single('lab: the run without LAVA passes', 'failed' if alone.failed or not alone.passed else 'passed')
            + single('lab: the results are those of a run without LAVA',
                     'passed' if in_lab.results == alone.results else 'failed', differences(alone, in_lab))
            + single('lab: a broken case is named', 'passed' if is_named and failed.failed else 'failed'))
