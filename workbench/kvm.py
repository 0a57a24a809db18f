# SPDX-License-Identifier: GPL-2.0-only
"""Whether KVM runs a guest on this machine: found out once, then remembered.

That /dev/kvm opens says little: inside some virtual machines it does, and no
kernel gets through its early boot.
"""

import os
import subprocess
from pathlib import Path

from console import say
from environment import environment
from paths import CACHE

# Seconds in which a guest under KVM has booted and ended, if it ever does.
PATIENCE = 15

ANSWERS = {True: 'works', False: 'runs no guest'}
_BOOT_ID = Path('/proc/sys/kernel/random/boot_id')


def _circumstances():
    """What the answer holds for: this machine, since it was booted, and QEMU."""
    version = subprocess.run(['qemu-system-x86_64', '--version'], env=environment(),
                             capture_output=True, text=True, check=False).stdout
    return f'{_BOOT_ID.read_text(encoding="utf-8").strip()} {version.splitlines()[0]}'


def remembered(memory, circumstances):
    """The answer found in these circumstances, None if there is none."""
    try:
        found, _, answer = memory.read_text(encoding='utf-8').rpartition(': ')
    except OSError:
        return None
    if found != circumstances:
        return None
    return {text: works for works, text in ANSWERS.items()}.get(answer.strip())


def works(boot, device='/dev/kvm', memory=CACHE / 'kvm'):
    """Whether a guest runs under KVM; boot, called at most once, tries it."""
    if not os.access(device, os.R_OK | os.W_OK):
        say('no KVM here: QEMU interprets the guest (TCG)')
        return False
    circumstances = _circumstances()
    answer = remembered(memory, circumstances)
    if answer is None:
        answer = boot()
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(f'{circumstances}: {ANSWERS[answer]}\n', encoding='utf-8')
    if not answer:
        say('KVM runs no guest here: QEMU interprets it (TCG)')
    return answer
