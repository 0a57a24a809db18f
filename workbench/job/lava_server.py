# SPDX-License-Identifier: GPL-2.0-only
"""Submit jobs to a server of LAVA with a worker and a device, all in a root directory of their own.

The packages are installed in a root directory of the cache. A run has a copy of it on top, in
memory, and name spaces of its own, so that no process, mount or file is left and no port of
this machine is used.
"""

import os
import re
from pathlib import Path

from host import lock
from host.console import UserError
from host.environment import environment
from host.paths import CACHE, WORKBENCH
from host.process import run_logged
from machine import chroot, roots

# The release of Debian that has LAVA.
_RELEASE = '12'

_SCRIPTS = WORKBENCH / 'job/server'

# The postinst of lava-server writes to the database, which runs in the same call.
_INSTALL = '''set -e
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
echo 'force-unsafe-io' >/etc/dpkg/dpkg.cfg.d/lab
apt="apt-get -q -y --no-install-recommends"
apt-get -q -o APT::Update::Error-Mode=any update
$apt install iproute2 lava-dispatcher lavacli postgresql qemu-system-arm qemu-system-x86
pg_ctlcluster 15 main start
$apt install lava-server
apt-get clean
sh -e /mnt/devices
pg_ctlcluster 15 main stop
'''

# Mounts a layer over the root, and the directory of the run, in the new mount name space.
_ENTER = '''set -e
root=$1 home=$2
shift 2
mount --make-rprivate /
mount -t tmpfs tmpfs "$home/layer"
mkdir "$home/layer/upper" "$home/layer/work"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$home/layer/upper,workdir=$home/layer/work" "$home/root"
mount -t proc proc "$home/root/proc"
mount -t tmpfs tmpfs "$home/root/dev/shm"
mount -t devpts devpts "$home/root/dev/pts" -o newinstance,ptmxmode=0666
mount --bind "$home/shared" "$home/root/mnt"
exec env -i "$@" chroot "$home/root" /bin/sh /mnt/server
'''


def install(logs: Path) -> Path:
    """Return the root directory with the packages from the cache; create it if it is missing.

    logs: the directory for the logs of the installation.
    """
    home = CACHE / 'roots' / f'lava-server-{roots.RELEASES[_RELEASE]}'
    home.parent.mkdir(parents=True, exist_ok=True)
    with lock.held(home.with_name(f'.{home.name}.lock')):
        if not home.exists():
            part = home.with_name(f'{home.name}.part')
            chroot.remove(part)
            try:
                chroot.debootstrap(roots.RELEASES[_RELEASE], part, logs / 'debootstrap.log', 'LAVA: debootstrap')
                (part / 'mnt/devices').write_bytes((_SCRIPTS / 'devices').read_bytes())
                chroot.run(part, _INSTALL, logs / 'install.log', 'LAVA: installing the server',
                           r'((?:Get|Unpacking|Setting up)\S* .{0,50})')
                os.replace(part, home)
            finally:
                chroot.remove(part)
    return home


def submit(root: Path, home: Path, names: list[str], limit: int, logs: Path) -> dict[str, Path]:
    """Run jobs one after the other; return the log of each that LAVA returned, by its name.

    root: that of install(). home: a new directory, in which shared/NAME/ has the files of each job and its
    definition lava.yaml, with the addresses file:///mnt/NAME/. limit: of a job in seconds.
    logs: the directory for the logs of the server. Raise UserError if a job cannot run.
    """
    shared = home / 'shared'
    for name in ('layer', 'root'):
        (home / name).mkdir()
    (shared / 'server').write_bytes((_SCRIPTS / 'server').read_bytes())
    (shared / 'jobs').write_text(''.join(f'{name}\n' for name in names), encoding='ascii')
    fixed = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root', 'LANG': 'C.UTF-8', 'LIMIT': str(limit)}
    run_logged(['unshare', '--mount', '--pid', '--ipc', '--net', '--fork', '--kill-child', 'sh', '-c', _ENTER, 'enter',
                root, home, *(f'{name}={value}' for name, value in fixed.items())], logs / 'server.log',
               'LAVA: running the jobs', r'lab: (.*)', env=environment())
    found = {name: shared / f'{name}.log' for name in names}
    missing = [name for name, path in found.items() if not path.exists()]
    if missing:
        raise UserError(f'LAVA returned no log of {", ".join(missing)}; log: {logs / "server.log"}')
    return found


def release(text: str) -> str:
    """Return the release of LAVA in the log of its server, '' if there is none."""
    match = re.search(r'^lab: LAVA (\S+)$', text, re.MULTILINE)
    return match[1] if match else ''
