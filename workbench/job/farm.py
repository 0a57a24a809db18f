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

# The file with an argument of each task.
_OWN = 'tasks'

_SUBMITTED = re.compile(r'Submitted batch job (\d+)')

_SCRIPT = '''\
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A task of the array. Its results are complete with the file "verdict".
job={job}
results={results}/$SLURM_ARRAY_TASK_ID
{fetch}"$job/run" {task} "RESULTS=$results" {arguments}
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
    """What to run: the directory of the job and its arguments, the number of tasks, and further options of sbatch.

    copy: whether sbcast copies the job to each node. own: an argument of each task, by default
    that which makes it a shard. at_once: the number of tasks that run at a time, 0 for all.
    """
    job: Path
    tasks: int
    arguments: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    copy: bool = False
    own: tuple[str, ...] = ()
    at_once: int = 0


def directory() -> Path:
    """Return the directory for the results of the shards."""
    return build_root() / 'farm'


def script(request: Request, results: Path) -> str:
    """Return the script of a task; results: the directory for the results of all shards."""
    fetch = _FETCH.format(archive=shlex.quote(str(results / 'job.tar'))) if request.copy else ''
    listed = f'$(sed -n "${{SLURM_ARRAY_TASK_ID}}p" {shlex.quote(str(results / _OWN))})'
    task = listed if request.own else f'SHARD=$SLURM_ARRAY_TASK_ID/{request.tasks}'
    return _SCRIPT.format(job=shlex.quote(str(request.job)), results=shlex.quote(str(results)), fetch=fetch,
                          task=f'"{task}"', arguments=shlex.join(request.arguments))


def _write(request: Request, results: Path) -> Path:
    merge.clear(results)
    if request.copy:
        with tarfile.open(results / 'job.tar', 'w') as opened:
            opened.add(request.job, '.')
    if request.own:
        (results / _OWN).write_text(''.join(f'{argument}\n' for argument in request.own), encoding='utf-8')
    path = results / 'script'
    path.write_text(script(request, results), encoding='utf-8')
    return path


def _submission(log: Path) -> str:
    """Return the number of the submitted job, '' if there is none."""
    match = _SUBMITTED.search(log.read_text(encoding='utf-8', errors='replace'))
    return match[1] if match else ''


def submit(request: Request, parts: list[Shard], results: Path, env: dict[str, str] | None = None,
           while_running: Callable[[], None] = lambda: None) -> None:
    """Submit the tasks and wait for all of them.

    results: the directory for the results. env: the environment of sbatch. while_running: is
    called repeatedly. Raise UserError if Slurm does not accept the job. An interrupted
    command cancels the job.
    """
    env = env or environment()
    path = _write(request, results)
    if not shutil.which('sbatch', path=env.get('PATH')):
        raise UserError('sbatch is not installed: make farm requires the commands of Slurm')
    log = results / 'sbatch.log'
    array = f'--array=1-{request.tasks}' + (f'%{request.at_once}' if request.at_once else '')
    command = ['sbatch', '--wait', array, '--job-name=workbench', '--no-requeue', '--chdir=/',
               f'--output={results}/%a.log', *request.options, str(path)]
    kind = 'tasks' if request.own else 'shards'
    progress = Progress(f'running {request.tasks} {kind}', request.tasks)
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
