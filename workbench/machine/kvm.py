# SPDX-License-Identifier: GPL-2.0-only
"""Whether KVM runs a guest on this machine.

That /dev/kvm opens says little: inside some virtual machines it does, and no
kernel gets through its early boot. A boot under KVM is tried. Only its success
is remembered, with what it depends on; a failure holds for this run, since its
cause may be the kernel under test, or a busy host.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from host.console import say
from host.environment import environment
from host.paths import CACHE

# Seconds without a line in the log after which a boot under KVM has failed, and
# seconds for all of it. QEMU reports most failures at once.
SILENCE, PATIENCE = 10, 60

_BOOT_ID = Path('/proc/sys/kernel/random/boot_id')


def _circumstances() -> str:
    """What a success depends on: this machine, since it was booted, and QEMU."""
    version = subprocess.run(['qemu-system-x86_64', '--version'], env=environment(),
                             capture_output=True, text=True, check=False).stdout
    return f'{_BOOT_ID.read_text(encoding="utf-8").strip()} {version.splitlines()[0]}\n'


def _remembered(memory: Path, circumstances: str) -> bool:
    try:
        return memory.read_text(encoding='utf-8') == circumstances
    except (OSError, ValueError):
        return False


def works(boot: Callable[[], str], device: str = '/dev/kvm', memory: Path = CACHE / 'kvm') -> bool:
    """Whether to use KVM; prints why not.

    boot, called at most once, boots a guest under KVM, and returns why this has
    failed, '' if it has not.
    """
    if not os.access(device, os.R_OK | os.W_OK):
        say(f'{device} cannot be used here: QEMU interprets the guest (TCG)')
        return False
    circumstances = _circumstances()
    if _remembered(memory, circumstances):
        return True
    failure = boot()
    if failure:
        say(f'no KVM in this run, since {failure}: QEMU interprets the guest (TCG)')
        return False
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(circumstances, encoding='utf-8')
    return True
