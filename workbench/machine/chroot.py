# SPDX-License-Identifier: GPL-2.0-only
"""Run commands of root in root directories of Debian, in name spaces of their own.

The mounts and the processes of a command end with it, also if the workbench is killed.
"""

from pathlib import Path

from host.environment import environment
from host.process import run_logged
from kernel import archive

_NAMESPACES = ('unshare', '--mount', '--pid', '--ipc', '--fork', '--kill-child')

# Mounts file systems in the new mount name space, and runs the commands in the root.
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


def debootstrap(suite: str, root: Path, log: Path, title: str) -> None:
    """Write a small system of a suite to a new directory; raise UserError if it fails."""
    run_logged([*_NAMESPACES, '--mount-proc', 'debootstrap', '--variant=minbase', f'--keyring={archive.KEYRING}',
                suite, root, archive.mirror()], log, title)


def run(root: Path, commands: str, log: Path, title: str, step: str | None = None, **variables: str) -> None:
    """Run shell commands in a root directory; raise UserError if they fail.

    log, title, step: those of run_logged(). variables: are added to the environment.
    """
    proxies = [f'{name}={value}' for name, value in environment().items()
               if name == 'TERM' or name.lower().endswith('_proxy')]
    fixed = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root', 'LANG': 'C.UTF-8',
             'DEBIAN_FRONTEND': 'noninteractive', **variables}
    run_logged([*_NAMESPACES, f'--mount-proc={root}/proc', 'sh', '-c', _ENTER, 'enter', root, commands,
                *proxies, *(f'{name}={value}' for name, value in fixed.items())], log, title, step=step)


def remove(root: Path) -> None:
    """Remove a root directory, without what is mounted in it."""
    if root.exists():
        log = root.with_name(f'{root.name}.rm.log')
        run_logged(['rm', '-rf', '--one-file-system', root], log, f'removing {root}')
        log.unlink()
