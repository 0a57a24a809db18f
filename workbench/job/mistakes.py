# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests of mistakes as an array of Slurm: a task makes one run for one mistake.

The job has the modules of each mistake and the names of its tests; the script "run" knows
them by MISTAKE=.
"""

import shutil
from pathlib import Path

from host.console import UserError, say
from job import bundle, farm, merge
from job.bundle import KUNIT, Test
from job.merge import Shard
from kernel import build
from subject import graft
from verdict import mistakes
from verdict.mistakes import RUNS, Mistake
from verdict.tally import Tally, single


def _names(mistake: Mistake) -> tuple[str, ...]:
    """Return the names of the tests of a mistake, as the script "run" and bundle.selected() know them."""
    return (*sorted(mistake.programs), *([KUNIT] if mistake.suites else []))


def selected(kernel: build.Kernel, found: list[Test], names: tuple[str, ...], quick_only: bool) -> list[Mistake]:
    """Return the mistakes for the kernel of a job; raise UserError for an unknown name, or if there are none.

    found: the tests of the job. names, quick_only: those of mistakes.load().
    """
    available = {name for test in found for name in (test.name, f'{test.target}:{test.name}')}
    loaded = mistakes.load(kernel.subject.main, names, quick_only)
    chosen = [mistake for mistake in loaded
              if mistake.kernel == mistakes.kind(kernel) and mistake.programs <= available]
    if not chosen:
        raise UserError(f'no mistake is for {mistakes.kind(kernel)}; DEBUG= or TARGET= selects another kernel')
    if len(chosen) < len(loaded):
        left = len(loaded) - len(chosen)
        say(f'{left} of {len(loaded)} mistakes are for other kernels, or require files of the host')
    return chosen


def write(kernel: build.Kernel, job: Path, chosen: list[Mistake]) -> None:
    """Add the modules and the tests of mistakes to a job: all of them or none."""
    part = job / 'mistakes.part'
    part.mkdir()
    try:
        for number, mistake in enumerate(chosen, 1):
            say(f'{number} of {len(chosen)}: {mistake.name}')
            mistakes.build_driver(kernel, mistake)
            bundle.write_modules(kernel, part / f'{mistake.name}.tar.xz')
            pattern = min(mistake.suites) if len(mistake.suites) == 1 else ''
            (part / mistake.name).write_text(f'{" ".join(_names(mistake))}\n{pattern}\n', encoding='utf-8')
        part.rename(job / 'mistakes')
    finally:
        shutil.rmtree(part, ignore_errors=True)
        graft.graft(kernel.tree, kernel.subject.main)


def _failed(shard: Shard) -> dict[str, str]:
    """Return the names of the tests that failed in a run, and their output, as mistakes.judge() expects them."""
    logs = [path for kind in ('kselftest', 'kunit') for path in sorted(shard.directory.glob(f'{kind}-kernel*.log'))]
    for log in logs:
        line = mistakes.first_line(log)
        if line:
            return {f'kernel log: {line}': ''}
    tally = merge.merge([shard], None, None)
    return {name: tally.reasons.get(name, '') for name, result in tally.results.items() if result == 'failed'}


def run(request: farm.Request, chosen: list[Mistake], directory: Path, env: dict[str, str] | None = None) -> Tally:
    """Run the tests of mistakes, each RUNS times; return the tally.

    request: the job, with an upper limit of tasks at a time. directory: that of the results.
    env: the environment of sbatch.
    """
    found = bundle.read_tests(request.job)
    order = [mistake for mistake in chosen for _ in range(RUNS)]
    parts = [Shard(number, len(order), directory / str(number), bundle.selected(found, _names(mistake)))
             for number, mistake in enumerate(order, 1)]
    farm.submit(request._replace(tasks=len(order), own=tuple(f'MISTAKE={mistake.name}' for mistake in order)),
                parts, directory, env)
    tally = Tally()
    for start, mistake in zip(range(0, len(parts), RUNS), chosen):
        why = mistakes.judge(mistake, [_failed(shard) for shard in parts[start:start + RUNS]])
        print(f'{mistake.name:40} {why or "found"}', flush=True)
        tally += single(f'mistake {mistake.name}', 'failed' if why else 'passed', why)
    return tally
