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
from host.environment import environment
from host.paths import REPO, WORKBENCH, build_root
from host.process import run_logged
from kernel import archive
from machine import guest, roots

# The disk space for a new system with a kernel tree and all builds, in bytes.
REQUIRED_SPACE = 8 << 30

# The commands of a user on a new system.
_COMMANDS = '''set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install ca-certificates git make
cd /root
git clone -q project.bundle project
cd project
make demo
make test
'''

# Mounts file systems in a new mount namespace, and runs the commands in the system.
_ENTER = '''set -e
root=$1
commands=$2
shift 2
mount --make-rprivate /
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666
mount --rbind /sys "$root/sys"
exec env -i "$@" chroot "$root" /bin/sh -c "$commands"
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
    for name in ('init', 'fstab'):
        shutil.copy(WORKBENCH / 'machine/init' / name, init)
    say(f'booting with the root of Debian {release}')
    command = (f'grep "^{release}[.]" /etc/debian_version || exit 1; '
               f'. {shlex.quote(str(demo))}')
    status = guest.run(kernel, command, kernel.log('release-boot'), timeout=60, options=(
        f'rootflags="{root}"', f'init="/{init.relative_to(root)}/init"'))
    say(f'demo on Debian {release}: ' + (f'failed with {status}' if status else 'passed'))
    return status


def _make_root(release: str, root: Path, log: Path) -> None:
    suite = roots.RELEASES[release]
    run_logged(['debootstrap', '--variant=minbase', f'--keyring={archive.KEYRING}', suite, root,
                archive.mirror()], log, f'Debian {release}: debootstrap')
    bundle = git.read(REPO, 'bundle', 'create', root / 'root/project.bundle', 'HEAD')
    if bundle.returncode:
        raise UserError('git cannot bundle HEAD: ' + bundle.stderr.decode(errors='replace').strip())


def _run_commands(release: str, root: Path, log: Path) -> str:
    """Run the demo and the tests in a system; return the last line of their output."""
    variables = [f'{name}={value}' for name, value in environment().items()
                 if name == 'TERM' or name.lower().endswith('_proxy')]
    variables += ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8']
    run_logged(['unshare', '--mount', '--pid', '--ipc', '--fork', '--kill-child',
                f'--mount-proc={root}/proc', 'sh', '-c', _ENTER, 'enter', root, _COMMANDS, *variables],
               log, f'Debian {release}: make demo, make test', step=r'(\S.{0,60})')
    return log.read_text(errors='replace').rstrip().splitlines()[-1]


def _remove(root: Path) -> None:
    if root.exists():
        run_logged(['rm', '-rf', '--one-file-system', root], root.with_suffix('.rm.log'),
                   f'removing {root}')
        root.with_suffix('.rm.log').unlink()


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
            _remove(root)
            _make_root(release, root, log.with_suffix('.debootstrap.log'))
            verdict = f'passed: {_run_commands(release, root, log)}'
        except UserError as error:
            failed += 1
            verdict = f'failed: {error}'
        finally:
            _remove(root)
        print(f'Debian {release}, {time.monotonic() - start:.0f} s, {verdict}', flush=True)
    return failed
