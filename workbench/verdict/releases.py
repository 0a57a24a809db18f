# SPDX-License-Identifier: GPL-2.0-only
"""Test the project on the supported releases of Debian.

make check-debian runs the demo and the tests in a new system of each release.
make check-release boots a kernel with the root of another release.
"""

import os
import shlex
import shutil
import time
from pathlib import Path

from host import git
from host.console import UserError, say
from host.paths import REPO, WORKBENCH, build_root
from kernel import archive
from machine import chroot, guest, roots

# The disk space for a new system with a kernel tree and all builds, in bytes.
REQUIRED_SPACE = 8 << 30

# The commands of a user on a new system.
_COMMANDS = '''set -e
apt-get -q update
apt-get -q -y --no-install-recommends install ca-certificates git make
cd /root
git clone -q project.bundle project
cd project
make demo
make test
'''


def other_release() -> str:
    """Return a supported release other than the installed one."""
    here = archive.os_release().get('VERSION_ID')
    return next(release for release in roots.RELEASES if release != here)


def check_guest(kernel) -> int:
    """Boot the um kernel with the root of another release, and run the demo; return its exit status."""
    demo = kernel.subject.main.in_folder('demo.sh', 'demo')
    release = other_release()
    root = roots.root_of(release)
    # At boot, this clone is not mounted, and the kernel requires init in the root.
    init = root / 'init' / build_root().resolve().relative_to('/')
    init.mkdir(parents=True, exist_ok=True)
    shutil.copy(WORKBENCH / 'machine/init/init', init)
    say(f'booting with the root of Debian {release}')
    command = (f'grep "^{release}[.]" /etc/debian_version || exit 1; '
               f'. {shlex.quote(str(demo))}')
    status = guest.run(kernel, command, kernel.log('release-boot'), timeout=60, options=(
        f'rootflags="{root}"', f'init="/{init.relative_to(root)}/init"'))
    say(f'demo on Debian {release}: ' + (f'failed with {status}' if status else 'passed'))
    return status


def _make_root(release: str, root: Path, log: Path) -> None:
    suite = roots.RELEASES[release]
    chroot.debootstrap(suite, root, log, f'Debian {release}: debootstrap')
    bundle = git.read(REPO, 'bundle', 'create', root / 'root/project.bundle', 'HEAD')
    if bundle.returncode:
        raise UserError('git cannot bundle HEAD: ' + bundle.stderr.decode(errors='replace').strip())


def _run_commands(release: str, root: Path, log: Path) -> str:
    """Run the demo and the tests in a system; return the last line of their output."""
    chroot.run(root, _COMMANDS, log, f'Debian {release}: make demo, make test', step=r'(\S.{0,60})')
    return log.read_text(errors='replace').rstrip().splitlines()[-1]


def check_hosts(releases: tuple[str, ...]) -> int:
    """Run the demo and the tests in a new system of each release; return how many systems failed.

    releases: their numbers, by default all supported ones.
    """
    if os.geteuid():
        raise UserError('check-debian requires root, to create and enter root directories: sudo make check-debian')
    directory = build_root() / 'check-debian'
    directory.mkdir(exist_ok=True)
    free = shutil.disk_usage(directory).free
    if free < REQUIRED_SPACE:
        raise UserError(f'{directory} has {free >> 20} MiB free; {REQUIRED_SPACE >> 20} MiB are required')
    head = git.read(REPO, 'describe', '--always', '--dirty').stdout.decode().strip()
    say(f'testing commit {head}' + (', without uncommitted changes' if head.endswith('-dirty') else ''))
    failed = 0
    for release in releases or tuple(roots.RELEASES):
        root, log = directory / f'root-{release}', directory / f'debian-{release}.log'
        start = time.monotonic()
        try:
            chroot.remove(root)
            _make_root(release, root, log.with_suffix('.debootstrap.log'))
            verdict = f'passed: {_run_commands(release, root, log)}'
        except UserError as error:
            failed += 1
            verdict = f'failed: {error}'
        finally:
            chroot.remove(root)
        print(f'Debian {release}, {time.monotonic() - start:.0f} s, {verdict}', flush=True)
    return failed
