# SPDX-License-Identifier: GPL-2.0-only
"""Run a job as an array of a Slurm on this machine, and compare it with a run of one machine.

The daemons of Slurm are unpacked into the cache and run in a private directory on the
loopback. The run of one machine is that of an ordinary user in a directory with busybox
only, if this user may change the root directory.
"""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from host.console import UserError, say
from host.environment import environment
from host.process import start, stop
from job import broken, bundle, farm, merge, mistakes as mistakes_on_farm
from job.bundle import KUNIT, Test
from job.merge import Shard
from kernel import archive, build, unpacked
from verdict.mistakes import DIRECTORY, RUNS
from verdict.tally import Tally, differences, single

_SHARDS = 4

# The packages with the daemons and the commands of Slurm.
_PACKAGES = ('slurmctld', 'slurmd', 'slurm-client')

_LIBRARIES = 'usr/lib/x86_64-linux-gnu'

# A test that does not fail.
_NO_TEST = 'KUnit none.none'

# The longest time in which the daemons start, in seconds.
_START_LIMIT = 60

# An ordinary user.
_NOBODY = 65534

_CONFIGURATION = '''\
ClusterName=check
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
PluginDir={plugins}
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
'''


def _free_ports() -> list[int]:
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(('127.0.0.1', 0))
        return [each.getsockname()[1] for each in (first, second)]


def _is_up(env: dict[str, str]) -> bool:
    try:
        found = subprocess.run(['sinfo', '--noheader', '--format=%t'], env=env, capture_output=True, text=True,
                               timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return False
    return found.stdout.strip() == 'idle'


@contextlib.contextmanager
def _cluster(home: Path) -> Iterator[dict[str, str]]:
    """Run Slurm with one node on the loopback; yield the environment of its commands."""
    release = archive.codename()
    root = unpacked.closure(f'slurm-{release}', release, _PACKAGES)
    plugins = root / _LIBRARIES / 'slurm-wlm'
    for name in ('state', 'spool'):
        (home / name).mkdir()
    host = socket.gethostname().partition('.')[0]
    configuration = home / 'slurm.conf'
    configuration.write_text(_CONFIGURATION.format(host=host, ports=_free_ports(), user=getpass.getuser(), home=home,
                                                   plugins=plugins, cpus=_SHARDS), encoding='utf-8')
    env = environment(SLURM_CONF=str(configuration), PATH=f'{root}/usr/bin:{os.environ["PATH"]}',
                      LD_LIBRARY_PATH=f'{plugins}:{root / _LIBRARIES}')
    daemons = [['slurmctld-wlm', '-D', '-i'], ['slurmd-wlm', '-D', '-N', host, '-d', f'{root}/usr/sbin/slurmstepd-wlm']]
    children = []
    try:
        for name, *arguments in daemons:
            with open(home / f'{name}.out', 'wb') as out:
                children.append(start([f'{root}/usr/sbin/{name}', *arguments], env=env, stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=out))
        deadline = time.monotonic() + _START_LIMIT
        while not _is_up(env):
            if time.monotonic() > deadline or any(child.poll() is not None for child in children):
                lines = (home / 'slurmctld-wlm.out').read_text(errors='replace').splitlines()
                raise UserError('the daemons of Slurm do not start: ' + (lines[-1] if lines else 'no output'))
            time.sleep(0.1)
        yield env
    finally:
        for child in reversed(children):
            stop(child)


def _alone(job: Path, home: Path, found: list[Test]) -> Tally:
    """Run a job on this machine; return its tally.

    As root, it runs as an ordinary user in a directory that has nothing but busybox.
    """
    results = home / 'alone'
    command = [str(job / 'run'), f'RESULTS={results}']
    if os.geteuid() == 0:
        root = home / 'root'
        for name in ('bin', 'tmp'):
            (root / name).mkdir(parents=True)
        (root / 'tmp').chmod(0o1777)
        shutil.copy(job / 'busybox', root / 'bin/busybox')
        (root / 'bin/sh').symlink_to('busybox')
        shutil.copytree(job, root / 'job')
        results = root / 'tmp/results'
        command = ['chroot', f'--userspec={_NOBODY}:{_NOBODY}', str(root), '/job/run', 'RESULTS=/tmp/results']
    with open(home / 'alone.log', 'wb') as out:
        child = start(command, env=environment(TMPDIR=''), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            child.wait()
        finally:
            stop(child)
    return merge.merge([Shard(1, 1, results, found)], None, None)


def _killer(shard: Shard):
    """Return a function that kills the script of a shard once its guest runs, and a list of what it killed."""
    killed: list[int] = []

    def kill() -> None:
        for path in () if killed else Path('/proc').glob('[0-9]*/cmdline'):
            with contextlib.suppress(OSError):
                words = path.read_bytes().decode(errors='replace').split('\0')
                if f'RESULTS={shard.directory}' in words and words[0].endswith('busybox'):
                    os.kill(int(path.parent.name), signal.SIGKILL)
                    killed.append(int(path.parent.name))
    return kill, killed


def _left_over(*directories: Path) -> list[str]:
    """Return the command lines of processes that name one of some directories."""
    found = []
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        with contextlib.suppress(OSError):
            line = path.read_bytes().decode(errors='replace').replace('\0', ' ').strip()
            if int(path.parent.name) != os.getpid() and any(f'{directory}/' in line for directory in directories):
                found.append(line)
    return found


def _check(name: str, passed: bool, reason: str = '') -> Tally:
    return single(f'farm: {name}', 'passed' if passed else 'failed', '' if passed else reason)


def _compare(job: Path, home: Path, found: list[Test], env: dict[str, str]) -> Tally:
    """Compare a run of all shards with that of one machine."""
    begin = time.monotonic()
    alone = _alone(job, home, found)
    middle = time.monotonic()
    results = home / 'shards'
    parts = merge.shards(found, _SHARDS, results)
    farm.submit(farm.Request(job, _SHARDS), parts, results, env)
    merged = merge.merge(parts, None, None)
    say(f'one machine: {alone}, {middle - begin:.1f} s; {_SHARDS} shards: {merged}, {time.monotonic() - middle:.1f} s')
    for line in alone.failures():
        say(f'one machine: {line}')
    return _check('the verdict of one machine is success', bool(alone.passed and not alone.failed)) + _check(
        'the merged verdict is that of one machine', alone == merged, differences(alone, merged))


def _fail(job: Path, home: Path, found: list[Test], env: dict[str, str]) -> Tally:
    """Make a shard fail, and kill another one; both have to be named. The job is copied to the node."""
    programs = sorted((test for test in found if test.kind != KUNIT), key=lambda test: test.seconds)[:_SHARDS]
    names = tuple(f'{test.target}:{test.name}' for test in programs)
    chosen = bundle.selected(found, names)
    results = home / 'failing'
    parts = merge.shards(chosen, _SHARDS, results)
    failing, victim = parts[0], parts[-1]
    test = failing.tests[0]
    request = farm.Request(broken.copy(job, home / 'broken', test), _SHARDS, (f'TEST={" ".join(names)}',), copy=True)
    kill, killed = _killer(victim)
    farm.submit(request, parts, results, env, kill)
    tally = merge.merge(parts, None, None)
    lines = tally.failures()
    for line in lines:
        say(f'expected: {line}')
    is_named = any(test.name in line and broken.CASE in line for line in lines)
    return (_check('a shard was killed', bool(killed)) + _check('the failed test is named', is_named)
            + _check('the killed shard is named', any(line.startswith(f'{victim} has no results') for line in lines))
            + _check('the other shards pass', tally.passed > 0))


def _soak(job: Path, home: Path, env: dict[str, str]) -> Tally:
    """Make random calls in two shards."""
    results = home / 'soak'
    parts = [Shard(number, 2, results / str(number), []) for number in (1, 2)]
    farm.submit(farm.Request(job, 2, ('SECONDS=1', 'SEED=1')), parts, results, env)
    tally = merge.merge_soak(parts)
    return _check('each shard makes random calls', tally.passed == 2 and not tally.failed, f'{tally}')


def _mistakes(kernel: build.Kernel, job: Path, home: Path, env: dict[str, str]) -> Tally:
    """Run the tests of two mistakes, of which one names a test that does not fail."""
    first, second = mistakes_on_farm.selected(kernel, bundle.read_tests(job), (), True)[:2]
    chosen = [first, second._replace(tests=(*second.tests, _NO_TEST))]
    mistakes_on_farm.write(kernel, job, chosen)
    tally = mistakes_on_farm.run(farm.Request(job, 0, at_once=_SHARDS), chosen, home / 'mistakes', env)
    return (_check('a mistake is found', tally.passed == 1, str(tally))
            + _check('a test that does not fail is named', tally.failures() == [
                f'mistake {second.name}: run 1 of {RUNS}: did not fail: {_NO_TEST}'], str(tally.failures())))


def run(kernel: build.Kernel) -> Tally:
    """Run the comparison; return its tally."""
    job = bundle.write(kernel)
    found = bundle.read_tests(job)
    if len(found) < _SHARDS + 1:
        raise UserError(f'check-farm requires {_SHARDS + 1} tests; {kernel.subject.name} has {len(found)}')
    main = kernel.subject.main
    has_mistakes = bool(main.description.folder) and (main.folder / DIRECTORY).is_dir()
    home = Path(tempfile.mkdtemp(prefix='farm-'))
    home.chmod(0o755)
    try:
        with _cluster(home) as env:
            tally = _compare(job, home, found, env) + _fail(job, home, found, env)
            if main.description.selftests.soak:
                tally += _soak(job, home, env)
            if has_mistakes:
                tally += _mistakes(kernel, job, home, env)
        deadline = time.monotonic() + 10
        while _left_over(home, job) and time.monotonic() < deadline:
            time.sleep(0.1)
        left = _left_over(home, job)
        return tally + _check('no process is left', not left, '; '.join(left[:2]))
    finally:
        shutil.rmtree(home, ignore_errors=True)
