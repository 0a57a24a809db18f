# SPDX-License-Identifier: GPL-2.0-only
"""Check the results of a run with the program that an overlay has for it."""

import json
import subprocess
import sys

from host.console import UserError
from host.environment import environment
from kernel.build import Kernel
from verdict.tally import Tally, single


def check(kernel: Kernel, tally: Tally) -> Tally:
    """Run the program of each overlay on the results; return a failure for each line that it prints."""
    run = json.dumps({'target': kernel.target.name, 'results': tally.results})
    found = Tally()
    for overlay in kernel.subject.overlays:
        if not overlay.about.results:
            continue
        program = overlay.in_folder(overlay.about.results, 'program that checks results')
        done = subprocess.run([sys.executable, '-B', program], input=run, cwd=overlay.root, env=environment(),
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise UserError(f'{program} ended with {done.returncode}')
        for line in done.stdout.splitlines():
            found += single(line, 'failed')
    return found
