# SPDX-License-Identifier: GPL-2.0-only
"""Run a job with the dispatcher of LAVA, and compare it with a run without LAVA.

The dispatcher runs in a root directory of its own with its packages, in namespaces of its
own, so that no mount and no process is left.
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from host.console import UserError, say
from host.environment import environment
from host.pipeline import run_pipeline
from host.process import start, stop
from job import broken, bundle, lab, merge
from job.bundle import KUNIT, Test
from job.merge import Shard
from kernel import archive, build, unpacked
from machine import roots
from verdict.tally import Tally, single

# The release of Debian that has LAVA.
_RELEASE = '12'

_PACKAGES = ('lava-dispatcher', 'qemu-system-x86', 'cpio', 'python3', 'xz-utils')

# The limit for a job in seconds.
_LIMIT = 3600

# Writes the description of a device, as the server of LAVA does it.
_RENDER = '''\
import sys, jinja2
env = jinja2.Environment(loader=jinja2.FileSystemLoader(sys.argv[1]), trim_blocks=True)
sys.stdout.write(env.get_template("qemu.jinja2").render(
    arch="x86_64", no_kvm=True, memory=1024, netdevice="none", extra_options=["-smp 2", "-no-reboot"]))
'''

# Mounts what the dispatcher requires; the mounts are those of this process only.
_ENTER = '''\
root=$1 lab=$2
shift 2
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount --bind "$lab" "$root/mnt" &&
    mount -t tmpfs tmpfs "$root/tmp" && exec chroot "$root" "$@"
'''


def _device_types() -> Path:
    """Return the directory with the templates of devices, which are in the package of the server."""
    release = roots.RELEASES[_RELEASE]

    def fill(part: Path) -> None:
        suite = archive.suite(release)
        deb = suite.download('lava-server', part)
        run_pipeline([['dpkg-deb', '--fsys-tarfile', deb],
                      ['tar', '-x', '-C', part, './usr/share/lava-server/device-types']],
                     suite.log, 'unpacking the types of devices')

    return unpacked.directory(f'lava-types-{release}', fill) / 'usr/share/lava-server/device-types'


def _in_root(root: Path, home: Path, *command: str) -> list[str]:
    return ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', _ENTER, '-', str(root), str(home),
            *command]


def _dispatch(root: Path, home: Path, job: Path, found: list[Test]) -> Tally:
    """Run a job in LAVA; return the verdict from its log. home: a directory with the device."""
    own = home / 'job'
    shutil.copytree(job, own)
    lab.write(own, 'qemu', 'file:///mnt/job')
    command = _in_root(root, home, 'lava-run', '--job-id', '1', '--output-dir', '/tmp/out',
                       '--device', '/mnt/device.yaml', '--dispatcher', '/mnt/dispatcher.yaml', '/mnt/job/lava.yaml')
    log = home / 'log'
    begin = time.monotonic()
    with open(log, 'wb') as out:
        child = start(command, env=environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            child.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            say(f'LAVA was stopped after {_LIMIT} s')
        finally:
            stop(child)
    tally = lab.judge(lab.read(str(log)), found)
    say(f'LAVA: {tally}, {time.monotonic() - begin:.0f} s')
    shutil.rmtree(own)
    return tally


def _differences(one: Tally, other: Tally) -> str:
    names = sorted(name for name in {*one.results, *other.results} if one.results.get(name) != other.results.get(name))
    return f'{one} and {other}: {", ".join(names[:3])}'


def run(kernel: build.Kernel) -> Tally:
    """Run the comparison; return its tally."""
    if os.geteuid() != 0:
        raise UserError('check-lab requires root: the dispatcher of LAVA does')
    job = bundle.write(kernel)
    found = bundle.read_tests(job)
    root = roots.root_of(_RELEASE, _PACKAGES, 'lava-')
    home = Path(tempfile.mkdtemp(prefix='lab-'))
    try:
        shutil.copytree(_device_types(), home / 'types')
        rendered = subprocess.run(_in_root(root, home, 'python3', '-c', _RENDER, '/mnt/types'), env=environment(),
                                  stdout=subprocess.PIPE, check=True).stdout
        (home / 'device.yaml').write_bytes(rendered)
        (home / 'dispatcher.yaml').write_text('dispatcher_ip: 127.0.0.1\n', encoding='utf-8')
        with open(home / 'alone.log', 'wb') as out:
            begin = time.monotonic()
            subprocess.run([job / 'run', f'RESULTS={home}/alone'], env=environment(), stdout=out, stderr=out,
                           check=False)
        alone = merge.merge([Shard(1, 1, home / 'alone', found)], None, None)
        say(f'without LAVA: {alone}, {time.monotonic() - begin:.0f} s')
        in_lab = _dispatch(root, home, job, found)
        test = next(test for test in found if test.kind != KUNIT)
        failed = _dispatch(root, home, broken.copy(job, home / 'broken', test), found)
        is_named = any(broken.CASE in line for line in failed.failures())
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return (single('lab: the run without LAVA passes', 'failed' if alone.failed or not alone.passed else 'passed')
            + single('lab: the results are those of a run without LAVA',
                     'passed' if in_lab.results == alone.results else 'failed', _differences(alone, in_lab))
            + single('lab: a broken case is named', 'passed' if is_named and failed.failed else 'failed'))
