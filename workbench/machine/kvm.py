# SPDX-License-Identifier: GPL-2.0-only
"""Find out whether KVM is usable on this machine.

Access to /dev/kvm is not sufficient: in some virtual machines it opens, but no kernel
boots. So a boot under KVM is tried. Its success is recorded for this boot of the machine
and this QEMU. A failure applies to this run only, since its cause may be the kernel
under test or a busy host.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from host.console import say
from host.environment import environment
from host.paths import CACHE

# The limits of a boot under KVM, in seconds: without a line in the log, and in total.
# QEMU reports most failures at once.
SILENCE, TIMEOUT = 10, 60

_BOOT_ID = Path('/proc/sys/kernel/random/boot_id')


def _system() -> str:
    """Return a line that identifies this boot of the machine and this QEMU."""
    version = subprocess.run(['qemu-system-x86_64', '--version'], env=environment(),
                             capture_output=True, text=True, check=False).stdout
    return f'{_BOOT_ID.read_text(encoding="utf-8").strip()} {version.splitlines()[0]}\n'


def _is_recorded(record: Path, system: str) -> bool:
    try:
        return record.read_text(encoding='utf-8') == system
    except (OSError, ValueError):
        return False


def is_usable(boot: Callable[[], str], device: str = '/dev/kvm', record: Path = CACHE / 'kvm') -> bool:
    """Return whether KVM is usable; print why if it is not.

    boot: boots a guest under KVM, and returns why it failed, '' if it succeeded; called
    at most once. record: the file for a success.
    """
    if not os.access(device, os.R_OK | os.W_OK):
        say(f'{device} is not accessible: QEMU interprets the guest (TCG)')
        return False
    system = _system()
    if _is_recorded(record, system):
        return True
    failure = boot()
    if failure:
        say(f'KVM is not usable: {failure}. QEMU interprets the guest (TCG)')
        return False
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(system, encoding='utf-8')
    return True
