# SPDX-License-Identifier: GPL-2.0-only
"""Run a job as an array of Slurm: each task is a shard."""

import re
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from host.console import Progress, UserError
from host.environment import environment
from host.paths import build_root
from host.process import start, stop
from job import merge
from job.merge import Shard

_SUBMITTED = re.compile(r'Submitted batch job (\d+)')

_SCRIPT = '''\
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A task of the array: one shard. Its results are complete with the file "verdict".
job={job}
results={results}/$SLURM_ARRAY_TASK_ID
{fetch}"$job/run" "SHARD=$SLURM_ARRAY_TASK_ID/{count}" "RESULTS=$results" {arguments}
'''

# The job is copied to a disk of the node, for a shared file system that is slow.
_FETCH = '''\
job=$(mktemp -d) || exit 2
trap 'rm -rf "$job"' EXIT
trap 'exit 130' HUP INT TERM
sbcast -f {archive} "$job/job.tar" && tar -x -C "$job" -f "$job/job.tar" || exit 2
rm "$job/job.tar"
'''


class Request(NamedTuple):
    """What to run: the directory of the job and its arguments, the number of shards, and further options of sbatch.

    copy: whether sbcast copies the job to each node.
    """
    job: Path
    shards: int
    arguments: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    copy: bool = False


def directory() -> Path:
    """Return the directory for the results of the shards."""
    return build_root() / 'farm'


def script(request: Request, results: Path) -> str:
    """Return the script of a task; results: the directory for the results of all shards."""
    fetch = _FETCH.format(archive=shlex.quote(str(results / 'job.tar'))) if request.copy else ''
    return _SCRIPT.format(job=shlex.quote(str(request.job)), results=shlex.quote(str(results)), fetch=fetch,
                          count=request.shards, arguments=shlex.join(request.arguments))


def _write(request: Request, results: Path) -> Path:
    merge.clear(results)
    if request.copy:
        with tarfile.open(results / 'job.tar', 'w') as opened:
            opened.add(request.job, '.')
    path = results / 'script'
    path.write_text(script(request, results), encoding='utf-8')
    return path


def _submission(log: Path) -> str:
    """Return the number of the submitted job, '' if there is none."""
    match = _SUBMITTED.search(log.read_text(encoding='utf-8', errors='replace'))
    return match[1] if match else ''


def submit(request: Request, parts: list[Shard], results: Path, env: dict[str, str] | None = None,
           while_running: Callable[[], None] = lambda: None) -> None:
    """Submit the shards and wait for all of them.

    results: the directory for the results. env: the environment of sbatch. while_running: is
    called repeatedly. Raise UserError if Slurm does not accept the job. An interrupted
    command cancels the job.
    """
    env = env or environment()
    path = _write(request, results)
    if not shutil.which('sbatch', path=env.get('PATH')):
        raise UserError('sbatch is not installed: make farm requires the commands of Slurm')
    log = results / 'sbatch.log'
    command = ['sbatch', '--wait', f'--array=1-{request.shards}', '--job-name=workbench', '--no-requeue', '--chdir=/',
               f'--output={results}/%a.log', *request.options, str(path)]
    progress = Progress(f'running {request.shards} shards', request.shards)
    with open(log, 'wb') as out:
        child = start(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        ended: set[int] = set()
        # sbatch asks for the end of the job at intervals of up to 32 s.
        while len(ended) < len(parts):
            try:
                child.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                pass
            for shard in parts:
                if shard.number not in ended and shard.has_ended():
                    ended.add(shard.number)
                    progress.step(str(shard))
            progress.tick()
            while_running()
    except BaseException:
        progress.done('stopped')
        number = _submission(log)
        if number:
            subprocess.run(['scancel', number], env=env, check=False)
        stop(child)
        raise
    if child.returncode is None:
        child.kill()
        child.wait()
    if not _submission(log):
        progress.done('failed')
        lines = [line for line in log.read_text(encoding='utf-8', errors='replace').splitlines() if line]
        raise UserError(f'sbatch failed: {lines[0] if lines else child.returncode}; log: {log}')
    progress.done()
